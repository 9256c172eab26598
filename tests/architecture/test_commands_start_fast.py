"""A command imports what it uses and no more, and needs one connection; what is slow to import is used by few."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.command_results import Migrated
from tests.support.paths import ROOT

NOWHERE = "postgresql://nobody:nothing@127.0.0.1:1/nowhere"
SLOW = {
    *("rest_framework.views", "rest_framework.serializers", "drf_spectacular.generators"),  # the API's
    *("unfold.sites", "unfold.admin", "vital.urls", "migrations_ops.admin", "tenants.admin"),  # the admin's
    *("celery", "kombu", "redis"),  # the background's
    *("jwt", "cryptography", "requests", "structlog", "prometheus_client", "granian"),  # the service's
    *("tree_sitter", "yaml", "jsonschema", "sqlglot"),
}
OF_OTHER_VERBS = {
    "migrations_ops.backup.dump",
    "migrations_ops.rehearsal.rehearse",
    "migrations_ops.review.apply",
    "migrations_ops.rules.suggest.suggest",
    "tenants.isolation.database_probe",
    "tenants.lifecycle.clone",
}
WATCHED = """
import atexit, json, runpy, sys
from pathlib import Path
import psycopg
made, connect = [], psycopg.connect
def counted(*arguments, **options):
    made.append(options.get("application_name"))
    return connect(*arguments, **options)
psycopg.connect = counted
report = sys.argv.pop(1)
sys.argv = sys.argv[1:]
sys.path.insert(0, str(Path(sys.argv[0]).parent))
seen = lambda: {"modules": sorted(sys.modules), "connections": made}
atexit.register(lambda: Path(report).write_text(json.dumps(seen())))
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def watched(folder: Path, url: str, *arguments: str) -> dict[str, Any]:
    """What was imported, and which connections were made, by a call of ./manage.py that went well."""
    report = folder / "report.json"
    done = subprocess.run(
        [sys.executable, "-c", WATCHED, str(report), str(ROOT / "manage.py"), *arguments],
        env=os.environ | {"DATABASE_URL": url, "REDIS_URL": ""},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(report.read_text())  # type: ignore[no-any-return]


@pytest.mark.parametrize("arguments", [("--help",), ("migrate_tenants", "--help"), ("tenants", "--help")])
def test_help_imports_nothing_slow(arguments: tuple[str, ...], tmp_path: Path) -> None:
    seen = watched(tmp_path, NOWHERE, *arguments)

    assert SLOW & set(seen["modules"]) == set()
    assert seen["connections"] == []


@pytest.mark.slow
def test_status_imports_nothing_slow_and_makes_one_connection(platform_migrated: Migrated, tmp_path: Path) -> None:
    seen = watched(tmp_path, platform_migrated.database.owner_url, "migrate_tenants", "status", "--json")

    assert (SLOW | OF_OTHER_VERBS) & set(seen["modules"]) == set()
    assert len(seen["connections"]) == 1, f"One is enough: {seen['connections']}"


def test_the_check_of_the_admin_sees_its_pages(tmp_path: Path) -> None:
    seen = watched(tmp_path, NOWHERE, "check", "--tag", "admin")

    assert {"migrations_ops.admin", "tenants.admin", "catalog.admin"} <= set(seen["modules"])
