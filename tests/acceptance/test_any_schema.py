"""Any schema goes the whole way by the plan that init-plan writes: planned, previewed, migrated, validated and undone,
equal by its dump. Or 000 refuses it, names the object, and has changed nothing.

Some examples; many more with VITAL_SLOW_TESTS=1.
"""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings

from tests.support import any_schema, databases
from tests.support.any_schema import Schema
from tests.support.command_results import Manage, said
from tests.support.databases import Scratch, rows

pytestmark = [pytest.mark.server, pytest.mark.slow]

SLOW = bool(os.environ.get("VITAL_SLOW_TESTS"))
REFUSED = 1
# Shrinking takes longer than reading a schema of five tables.
PHASES = [Phase.explicit, Phase.reuse, Phase.generate] + [Phase.shrink] * SLOW


@pytest.mark.timeout(3600 if SLOW else 300)
def test_any_schema_goes_the_whole_way_or_is_refused_by_name(server_url: str, manage: Manage, tmp_path: Path) -> None:
    @settings(max_examples=100 if SLOW else 4, deadline=None, phases=PHASES, suppress_health_check=[*HealthCheck])
    @given(any_schema.schemas())
    def holds(schema: Schema) -> None:
        scratch = databases.create_empty(server_url)
        try:
            any_schema.build(scratch, schema)
            _whole_way(scratch, schema, manage, tmp_path / "plan.toml")
        finally:
            databases.drop(scratch)

    holds()


def _whole_way(scratch: Scratch, schema: Schema, manage: Manage, plan: Path) -> None:
    before = _state(scratch)
    plan.unlink(missing_ok=True)
    planned = manage(scratch, "migrate_tenants", "init-plan", "--root", schema.root, "--out", str(plan))
    assert planned.returncode == 0, said(planned)
    note(plan.read_text(encoding="utf-8"))
    foreseen = manage(scratch, "migrate_tenants", "preview", "--plan", str(plan))
    assert foreseen.returncode == 0, said(foreseen)

    run = manage(scratch, "migrate_tenants", "run", "--yes", "--plan", str(plan))
    if run.returncode == 0:
        valid = manage(scratch, "migrate_tenants", "validate", "--plan", str(plan))
        assert valid.returncode == 0, said(valid)
        undone = manage(scratch, "migrate_tenants", "undo", "--yes", "--plan", str(plan))
        assert undone.returncode == 0, said(undone)
        _logs_are_named(scratch, said(undone))
    else:
        assert run.returncode == REFUSED, said(run)
        assert "001_schema_fixes" not in run.stdout, said(run)
        assert schema.is_named_in(said(run)), said(run)
    assert _state(scratch) == before
    assert rows(scratch.admin_url, "SELECT count(*) FROM pg_policies WHERE policyname LIKE 'vital%%'") == [(0,)]


def _state(scratch: Scratch) -> str:
    """Everything but the rows of logs: they are an application's, and note every change of a row, VITAL's too."""
    without = ("--exclude-table=public.migration_tracking", "--exclude-table-data=public.log_*")
    return databases.dump(scratch.admin_url, *without)


def _logs_are_named(scratch: Scratch, words: str) -> None:
    for (log,) in rows(scratch.admin_url, "SELECT relname FROM pg_class WHERE relname LIKE 'log%' AND relkind = 'r'"):
        if rows(scratch.admin_url, f"SELECT count(*) FROM {log}") != [(0,)]:
            assert log.replace("log", "noted") in words, words
