"""Killed at any step, a distribution goes on where it stopped, or goes back; so does its undo.

Four kills each way; at every step with VITAL_SLOW_TESTS=1.
"""

import os

import pytest

from tests.support import background, citus, databases
from tests.support.command_results import Manage, said
from tests.support.databases import Scratch, rows

pytestmark = pytest.mark.slow

EVERY = bool(os.environ.get("VITAL_SLOW_TESTS"))
CUT = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""
DONE = "SELECT count(*) FROM vital.applied_statement WHERE phase = '007_distribution'"


def steps_done(scratch: Scratch) -> int:
    return int(rows(scratch.admin_url, DONE)[0][0])


def killed(scratch: Scratch, step: int, *words: str) -> None:
    """The command, with kill -9 as soon as so many steps stand; when undoing, as so few do."""
    undoing = "--undo" in words
    with background.start(scratch, "distribute", *words) as command:
        command.until(lambda: (steps_done(scratch) <= step) if undoing else (steps_done(scratch) >= step), 120)
        command.kill()


def test_there_and_back_through_kills(ready: Scratch, manage: Manage) -> None:
    dump = databases.as_restored(databases.dump(ready.admin_url))
    for step in range(1, 95) if EVERY else (3, 30, 55, 85):
        killed(ready, step, "--yes")
    done = manage(ready, "distribute", "--yes", timeout=600)
    assert done.returncode == 0, said(done)
    whole = steps_done(ready)

    for step in reversed(range(3, whole - 2)) if EVERY else (whole - 4, 60, 40, 8):
        killed(ready, step, "--undo", "--yes")
    undone = manage(ready, "distribute", "--undo", "--yes", timeout=600)

    assert undone.returncode == 0, said(undone)
    assert steps_done(ready) == 0
    assert databases.as_restored(databases.dump(ready.admin_url)) == dump


def test_half_done_it_goes_back(ready: Scratch, manage: Manage) -> None:
    dump = databases.as_restored(databases.dump(ready.admin_url))
    killed(ready, 60, "--yes")

    undone = manage(ready, "distribute", "--undo", "--yes", timeout=600)

    assert undone.returncode == 0, said(undone)
    assert databases.as_restored(databases.dump(ready.admin_url)) == dump


@pytest.mark.parametrize("where", ["coordinator", "worker"])
def test_cut_off_it_says_so_and_goes_on(ready: Scratch, manage: Manage, where: str) -> None:
    dump = databases.as_restored(databases.dump(ready.admin_url))
    server = ready.admin_url if where == "coordinator" else citus.workers(ready.admin_url)[0]
    with background.start(ready, "distribute", "--yes") as command:
        command.until(lambda: steps_done(ready) >= 45, 120)
        while command.process.poll() is None:
            rows(server, CUT)
        assert "Traceback" not in command.said, command.said
        assert command.process.returncode, command.said

    done = manage(ready, "distribute", "--yes", timeout=600)

    assert done.returncode == 0, said(done)
    undone = manage(ready, "distribute", "--undo", "--yes", timeout=600)
    assert undone.returncode == 0, said(undone)
    assert databases.as_restored(databases.dump(ready.admin_url)) == dump
