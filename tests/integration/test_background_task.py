"""A run can be opened here and carried on elsewhere; the task knows nothing but its id."""

import json
import os
import signal
import subprocess
import sys

import pytest

from tests.support import background
from tests.support.command_results import Manage
from tests.support.databases import Scratch, rows
from tests.support.paths import ROOT
from tests.support.pause_point import paused_at

OPEN = "from migrations_ops.runs.service import open_run, Request; print('run', open_run(Request()))"
IN_003 = "SELECT count(*) > 0 FROM vital.ledger WHERE phase = '003_platform_data'"
HELPERS = """
    SELECT count(*) FROM pg_locks
    WHERE locktype = 'advisory' AND classid = 22089 AND objid = 2 AND mode = 'ShareLock'
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
ADVANCE = "from migrations_ops.tasks import advance; print('status', advance.apply(args=[{run}]).get())"


@pytest.mark.slow
def test_a_task_carries_an_opened_run_to_its_end(legacy: Scratch, manage: Manage) -> None:
    opened = manage(legacy, "shell", "-v0", "-c", OPEN)
    assert opened.returncode == 0, opened.stderr
    run = int(opened.stdout.split("run ")[1])
    assert rows(legacy.owner_url, "SELECT count(*) FROM vital.phase_run") == [(0,)]

    done = manage(legacy, "shell", "-v0", "-c", ADVANCE.format(run=run))

    assert "status completed" in done.stdout, done.stderr
    status = json.loads(manage(legacy, "migrate_tenants", "status", "--json").stdout)
    assert [phase["status"] for phase in status["phases"]] == ["completed"] * 7
    assert {phase["run"] for phase in status["phases"]} == {run}


@pytest.mark.parametrize("run", [1, 4711])
def test_a_run_that_is_over_or_never_was_is_refused(migrated: Scratch, manage: Manage, run: int) -> None:
    refused = manage(migrated, "shell", "-v0", "-c", ADVANCE.format(run=run))

    assert "cannot continue" in refused.stdout
    assert rows(migrated.owner_url, "SELECT count(*) FROM vital.run") == [(1,)]


HELP = "from migrations_ops.tasks import help_along; print('helped', help_along.apply().get())"


def test_a_task_that_comes_to_help_where_nothing_is_at_work_just_ends(migrated: Scratch, manage: Manage) -> None:
    done = manage(migrated, "shell", "-v0", "-c", HELP)

    assert "helped None" in done.stdout, done.stderr


def test_a_task_helps_the_run_at_work(prepared: Scratch, manage: Manage) -> None:
    with paused_at(prepared, "vital.ledger", IN_003) as stands, background.start(prepared, "migrate_tenants") as run:
        run.until(stands)
        helper = subprocess.Popen(
            [sys.executable, str(ROOT / "manage.py"), "shell", "-v0", "-c", HELP],
            env=os.environ | {"DATABASE_URL": prepared.owner_url}, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        run.until(lambda: rows(prepared.admin_url, HELPERS) == [(1,)])
        run.process.send_signal(signal.SIGINT)
    said, _ = helper.communicate(timeout=60)
    assert "helped" in said
    assert "None" not in said
