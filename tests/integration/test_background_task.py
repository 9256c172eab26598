"""A run can be opened here and carried on elsewhere; the task knows nothing but its id."""

import json

import pytest

from tests.conftest import Manage
from tests.support.databases import Scratch, rows

OPEN = "from migrations_ops.services import open_run, Request; print('run', open_run(Request()))"
ADVANCE = "from migrations_ops.tasks import advance; print('status', advance.apply(args=[{run}]).get())"


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

    assert "not one that can go on" in refused.stderr
    assert rows(migrated.owner_url, "SELECT count(*) FROM vital.run") == [(1,)]
