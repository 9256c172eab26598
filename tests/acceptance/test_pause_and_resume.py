"""A run is stopped from another terminal, resumed or cancelled; races end in one defined state."""

import signal
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support import background, queries
from tests.support.command_results import Manage, document, said
from tests.support.databases import Scratch
from tests.support.pause_point import paused_at
from tests.support.plans import SHIPPED
from tests.support.queries import TABLES

IN_003 = ("vital.ledger", "SELECT count(*) > 0 FROM vital.ledger WHERE phase = '003_platform_data'")
AT_THE_END = (
    "vital.phase_run",
    "SELECT count(*) > 0 FROM vital.phase_run WHERE phase = '006_row_level_security' AND status = 'completed'",
)
# What one who asks a run to stop does again and again until it has; its second connection only looks for a pooler.
ASKING = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name LIKE 'vital %%'
      AND query ~ 'Ask a run to pause|How a run stands|Who holds the run lock'
"""
ASKED = "SELECT count(*) FROM vital.run WHERE stop_requested = %s"


@pytest.fixture
def ready(prepared: Scratch) -> Scratch:
    """Everything up to 002 is done; 003 is next."""
    return prepared


def status_of_run(scratch: Scratch) -> str:
    return str(queries.scalar(scratch, "SELECT status FROM vital.run ORDER BY id DESC LIMIT 1"))


@pytest.mark.slow
def test_pause_stops_after_the_batch_and_resume_ends_as_if_nothing_had_been(ready: Scratch, manage: Manage) -> None:
    with ExitStack() as processes:
        run = processes.enter_context(background.start(ready, "migrate_tenants", "--yes"))
        with paused_at(ready, *IN_003) as stands:
            run.until(stands)
            pause = processes.enter_context(background.start(ready, "migrate_tenants", "pause"))
            pause.until(lambda: queries.scalar(ready, ASKED, "pause"))
        run.ends_with(3)
        assert "is paused" in pause.ends_with(0)
    assert status_of_run(ready) == "paused"

    resumed = manage(ready, "migrate_tenants", "resume", "--json")

    assert (resumed.returncode, document(resumed)["status"]) == (0, "completed"), said(resumed)
    entries = [(table, key) for table in TABLES for key, *_ in queries.ledger_entries(ready, table)]
    assert len(entries) == len(set(entries)) > 1_000


def test_pausing_what_is_paused_says_so(ready: Scratch, manage: Manage) -> None:
    interrupted(ready)

    done = manage(ready, "migrate_tenants", "pause")

    assert (done.returncode, "is paused" in done.stdout) == (0, True), said(done)


@pytest.mark.slow
@pytest.mark.parametrize("afterwards", [0, 4], ids=["at once", "while the run's process is at a hook"])
def test_cancel_wins_over_pause(
    ready: Scratch, manage: Manage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, afterwards: int
) -> None:
    """Whoever asked for the pause is told so, and does not wait for what a process does after its run has ended."""
    hooks = tmp_path / "hooks.toml"
    hooks.write_text(f'[[hook]]\nwhen = "after run"\ncommand = ["sleep", "{afterwards}"]\n')
    monkeypatch.setenv("VITAL_HOOKS", str(hooks))
    with ExitStack() as processes:
        run = processes.enter_context(background.start(ready, "migrate_tenants", "--yes"))
        with paused_at(ready, *IN_003) as stands:
            run.until(stands)
            cancel = processes.enter_context(background.start(ready, "migrate_tenants", "cancel"))
            cancel.until(lambda: queries.scalar(ready, ASKED, "cancel"))
            pause = processes.enter_context(background.start(ready, "migrate_tenants", "pause"))
            pause.until(lambda: queries.scalar(ready, ASKING) >= 2)
        run.ends_with(3)
        cancel.ends_with(0)
        assert "is cancelled" in pause.ends_with(1)

    assert status_of_run(ready) == "cancelled"
    again = manage(ready, "migrate_tenants", "--yes", "--json")
    assert again.returncode == 0, said(again)


@pytest.mark.slow
def test_a_pause_that_comes_too_late_finds_the_run_completed(ready: Scratch) -> None:
    with ExitStack() as processes:
        run = processes.enter_context(background.start(ready, "migrate_tenants", "--yes"))
        with paused_at(ready, *AT_THE_END) as stands:
            run.until(stands, seconds=60)
            pause = processes.enter_context(background.start(ready, "migrate_tenants", "pause"))
            pause.until(lambda: queries.scalar(ready, ASKED, "pause"))
        run.ends_with(0)
        assert "had completed before it could be stopped" in pause.ends_with(1)

    assert status_of_run(ready) == "completed"
    assert queries.scalar(ready, ASKED, "pause") == 0


@pytest.mark.slow
def test_of_two_resumes_at_once_one_goes_on(ready: Scratch, manage: Manage) -> None:
    interrupted(ready)

    with background.start(ready, "migrate_tenants", "resume") as first:
        with paused_at(ready, *IN_003) as stands:
            first.until(stands)
            second = manage(ready, "migrate_tenants", "resume", "--json")
        first.ends_with(0)

    assert second.returncode == 1, said(second)
    assert "Another run is active" in document(second)["error"]
    assert status_of_run(ready) == "completed"


def test_another_plan_is_refused_with_what_differs(ready: Scratch, manage: Manage, tmp_path: Path) -> None:
    """And nothing is done; with the plan as it was the run goes on."""
    queries.scalar(ready, "UPDATE vital.run SET status = 'paused' RETURNING id")
    changed = tmp_path / "changed.toml"
    changed.write_text(SHIPPED.read_text().replace('["tier_1", "tier_2"]', '["tier_1"]'))

    refused = manage(ready, "migrate_tenants", "resume", "--plan", str(changed))
    resumed = manage(ready, "migrate_tenants", "resume", "--json")

    assert refused.returncode == 2, said(refused)
    assert "was opened with another plan" in refused.stderr
    assert '-when = { column = "tier", in = ["tier_1", "tier_2"] }\n' in refused.stderr
    assert '+when = { column = "tier", in = ["tier_1"] }\n' in refused.stderr
    assert "tools are the Platform's" not in refused.stderr, "only what differs"
    assert (resumed.returncode, document(resumed)["status"]) == (0, "completed"), said(resumed)


def interrupted(scratch: Scratch) -> None:
    """Leave a run that Ctrl-C has paused in 003."""
    with paused_at(scratch, *IN_003) as stands, background.start(scratch, "migrate_tenants", "--yes") as run:
        run.until(stands)
        run.process.send_signal(signal.SIGINT)
        run.ends_with(3)


@pytest.mark.slow
@pytest.mark.parametrize(("verb", "after"), [("pause", "paused"), ("cancel", "cancelled")])
def test_a_run_whose_process_was_killed_is_stopped_from_outside(
    ready: Scratch, manage: Manage, verb: str, after: str
) -> None:
    with paused_at(ready, *IN_003) as stands, background.start(ready, "migrate_tenants", "--yes") as run:
        run.until(stands)
        run.kill()
    assert status_of_run(ready) == "running"

    done = manage(ready, "migrate_tenants", verb, "--json")

    assert (done.returncode, document(done)["status"]) == (0, after), said(done)
    assert status_of_run(ready) == after


@pytest.mark.parametrize("verb", ["pause", "resume", "cancel"])
def test_without_an_unfinished_run_there_is_nothing_to_do(ready: Scratch, manage: Manage, verb: str) -> None:
    done = manage(ready, "migrate_tenants", verb)

    assert done.returncode == 2, said(done)
    assert "no unfinished run" in done.stderr
