"""A database as an earlier VITAL has left it."""

import os
import subprocess
import sys

from tests.conftest import ROOT
from tests.support.databases import Scratch
from tests.support.looking import said


def as_of(database: Scratch, migration: str) -> None:
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
