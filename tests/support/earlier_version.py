"""VITAL's own tables, and the guards of references, as an earlier version left them."""

import os
import subprocess
import sys
from pathlib import Path

from tests.support.command_results import said
from tests.support.databases import Scratch, rows
from tests.support.paths import ROOT

GUARDS = Path(__file__).with_name("earlier_guards.sql").read_text(encoding="utf-8")


def migrate_back_to(database: Scratch, migration: str) -> None:
    """Migrates VITAL's own tables back to this migration, without `./manage.py`, which refuses to."""
    done = subprocess.run(
        [sys.executable, "-m", "django", "migrate", "migrations_ops", migration, "--verbosity", "0"],
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "vital.settings", "DATABASE_URL": database.owner_url},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, said(done)


def guard_as_before(database: Scratch) -> None:
    """Makes the guards of references as they were until each table had functions of its own."""
    rows(database.owner_url, GUARDS)
