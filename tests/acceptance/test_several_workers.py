"""Several processes share the tables of a run: no row twice, whichever of them is killed, paused or joins late."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.support import background, databases, queries
from tests.support.command_results import Manage, document, said
from tests.support.database_state import decided_twice
from tests.support.databases import Scratch
from tests.support.queries import TABLES

BIG = "24000"  # chunks: several shares of the smallest size
HELPERS = (
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = 22089 AND objid = 2 AND mode = 'ShareLock'"
)
SLOW_BATCHES = "INSERT INTO vital.tuning (name, value, set_by) VALUES ('batch', '20ms', 'the tests')"


@pytest.fixture(scope="module")
def big_template(server_url: str, manage: Manage) -> Iterator[Scratch]:
    """Generated data up to 002, with batches so short that there are many."""
    scratch = databases.create_empty(server_url)
    assert manage(scratch, "migrate", "--verbosity", "0").returncode == 0
    assert manage(scratch, "generate_legacy", "--rows", BIG).returncode == 0
    done = manage(scratch, "migrate_tenants", "--to", "002", "--yes")
    assert done.returncode == 0, said(done)
    databases.rows(scratch.owner_url, SLOW_BATCHES)
    databases.rows(scratch.owner_url, "VACUUM ANALYZE")
    yield scratch
    databases.drop(scratch)


@pytest.fixture
def big(big_template: Scratch) -> Iterator[Scratch]:
    scratch = databases.clone(big_template)
    yield scratch
    databases.drop(scratch)


@pytest.fixture(scope="module")
def alone(big_template: Scratch, manage: Manage) -> Iterator[Scratch]:
    """What one worker makes of it."""
    scratch = databases.clone(big_template)
    done = manage(scratch, "migrate_tenants", "--to", "005", "--yes")
    assert done.returncode == 0, said(done)
    yield scratch
    databases.drop(scratch)


def as_if_alone(scratch: Scratch, alone: Scratch) -> None:
    """Every row is where one worker puts it, each once, and the counters are those of the ledger."""
    assert queries.tenants_of_every_table(scratch) == queries.tenants_of_every_table(alone)
    assert decided_twice(scratch) == []
    counted = "SELECT sum(rows_changed) FROM vital.step_run WHERE step LIKE 'tenant of %%'"
    noted = "SELECT sum(rows) FROM vital.ledger WHERE step LIKE 'tenant of %%' AND undone_at IS NULL"
    assert queries.scalar(scratch, counted) == queries.scalar(scratch, noted)


@pytest.mark.slow
def test_two_workers_do_what_one_does(big: Scratch, alone: Scratch, manage: Manage) -> None:
    done = manage(big, "migrate_tenants", "--to", "005", "--workers", "2", "--yes")

    assert done.returncode == 0, said(done)
    as_if_alone(big, alone)


@pytest.mark.slow
def test_a_worker_that_joins_and_is_killed_costs_nothing(big: Scratch, alone: Scratch) -> None:
    with ExitStack() as processes:
        run = processes.enter_context(background.start(big, "migrate_tenants", "--to", "005", "--yes"))
        for _ in range(3):
            run.until(
                lambda: queries.scalar(big, "SELECT count(*) FROM vital.ledger WHERE phase = '003_platform_data'")
            )
            helper = processes.enter_context(background.start(big, "migrate_tenants", "work"))
            run.until(lambda: queries.scalar(big, HELPERS))
            helper.kill()
        run.ends_with(0)

    as_if_alone(big, alone)


@pytest.mark.slow
def test_when_the_runs_own_process_is_killed_its_helpers_leave_and_it_is_resumed(
    big: Scratch, alone: Scratch, manage: Manage
) -> None:
    with ExitStack() as processes:
        run = processes.enter_context(background.start(big, "migrate_tenants", "--to", "005", "--yes"))
        run.until(lambda: queries.scalar(big, "SELECT count(*) FROM vital.ledger WHERE phase = '003_platform_data'"))
        helper = processes.enter_context(background.start(big, "migrate_tenants", "work"))
        helper.until(lambda: queries.scalar(big, HELPERS))
        run.kill()
        helper.ends_with(0)

    resumed = manage(big, "migrate_tenants", "resume", "--workers", "2", "--json")

    assert (resumed.returncode, document(resumed)["status"]) == (0, "completed"), said(resumed)
    as_if_alone(big, alone)


@pytest.mark.slow
def test_a_pause_stops_the_helpers_as_well(big: Scratch, manage: Manage) -> None:
    with ExitStack() as processes:
        run = processes.enter_context(background.start(big, "migrate_tenants", "--yes"))
        run.until(lambda: queries.scalar(big, "SELECT count(*) FROM vital.ledger WHERE phase = '003_platform_data'"))
        helper = processes.enter_context(background.start(big, "migrate_tenants", "work"))
        helper.until(lambda: queries.scalar(big, HELPERS))
        paused = manage(big, "migrate_tenants", "pause")
        noted = queries.scalar(big, "SELECT count(*) FROM vital.ledger")
        assert paused.returncode == 0, said(paused)
        run.ends_with(3)
        helper.ends_with(0)

    assert queries.scalar(big, "SELECT count(*) FROM vital.ledger") == noted, "nobody works on while it is paused"


def test_without_a_run_there_is_nothing_to_help_with(big: Scratch, manage: Manage) -> None:
    done = manage(big, "migrate_tenants", "work", "--json")

    assert done.returncode == 2, said(done)
    assert "nothing to help with" in document(done)["error"]


@pytest.mark.parametrize("count", ["0", "many", "-1", "1000"])
def test_a_number_of_workers_that_is_none_is_refused(big_template: Scratch, manage: Manage, count: str) -> None:
    done = manage(big_template, "migrate_tenants", "--workers", count)

    assert done.returncode == 2, said(done)
    assert "not a number of processes" in done.stderr


def test_the_tables_were_really_shared(alone: Scratch) -> None:
    """A table in one share only would prove nothing here."""
    assert (
        queries.scalar(alone, "SELECT max(n) FROM (SELECT count(*) AS n FROM vital.share GROUP BY step_run_id) AS s")
        > 1
    )
    assert len(TABLES) == 10
