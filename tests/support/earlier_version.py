"""A database as an earlier VITAL has left it."""

import os
import subprocess
import sys

from tests.support.command_results import said
from tests.support.databases import Scratch
from tests.support.paths import ROOT


def migrate_back_to(database: Scratch, migration: str) -> None:
    """Take VITAL's own tables back to this migration: past `./manage.py`, which refuses to."""
    done = subprocess.run(
        [sys.executable, "-m", "django", "migrate", "migrations_ops", migration, "--verbosity", "0"],
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "vital.settings", "DATABASE_URL": database.owner_url},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, said(done)
