"""One run at a time in a database; and a run that is killed is continued by the next."""

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest

from tests.support import background, databases
from tests.support.command_results import document, said
from tests.support.database_state import decided_twice
from tests.support.databases import Scratch, rows
from tests.support.queries import tenants_of_every_table

Manage = Callable[..., "subprocess.CompletedProcess[str]"]


@dataclass
class Held:
    """A run in the midst of 004: it waits for a row that somebody else has locked."""

    database: Scratch
    run: background.BackgroundCommand
    writer: psycopg.Connection[Any]


@pytest.fixture
def held(legacy: Scratch) -> Iterator[Held]:
    with psycopg.connect(legacy.owner_url) as writer, background.start(legacy, "migrate_tenants", "--yes") as run:
        run.until_said("002_tenant_setup")
        writer.execute("SELECT FROM messages FOR UPDATE")
        run.until_said("waits")
        yield Held(legacy, run, writer)


@pytest.mark.slow
def test_the_second_run_says_who_holds_the_first(held: Held, manage: Manage) -> None:
    legacy, first = held.database, held.run
    [(pid, since)] = rows(
        legacy.admin_url,
        "SELECT pid, to_char(backend_start, 'YYYY-MM-DD HH24:MI') FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name LIKE 'vital %@%'",
    )

    second = manage(legacy, "migrate_tenants", "--yes")
    undo = manage(legacy, "migrate_tenants", "undo", "--yes")

    for refused in (second, undo):
        assert refused.returncode == 1, said(refused)
        assert "Another run is active" in refused.stderr
        assert f"pid {pid}, user {databases.OWNER}" in refused.stderr
        assert f"since {since}" in refused.stderr
    assert first.process.poll() is None
    looked = manage(legacy, "migrate_tenants", "status", "--json")
    assert document(looked)["run"]["status"] == "running"


@pytest.mark.slow
def test_the_next_run_continues_the_one_that_was_killed(held: Held, manage: Manage, migrated_template: Scratch) -> None:
    legacy, first = held.database, held.run
    status = document(manage(legacy, "migrate_tenants", "status", "--json"))
    done_before = [phase["phase"] for phase in status["phases"] if phase["status"] == "completed"]

    first.kill()
    held.writer.rollback()
    again = manage(legacy, "migrate_tenants", "--yes", "--json")

    assert again.returncode == 0, said(again)
    result = document(again)
    assert result["run"] == status["run"]["id"]
    assert "003_platform_data" in done_before
    assert "003_platform_data" not in again.stderr, "a phase that was completed is not done again"
    assert tenants_of_every_table(legacy) == tenants_of_every_table(migrated_template)
    assert decided_twice(legacy) == []


@pytest.mark.slow
def test_a_connection_that_is_lost_is_said_and_the_run_goes_on_later(held: Held, manage: Manage) -> None:
    """As when the server is restarted, or an administrator ends the session."""
    legacy, first = held.database, held.run

    rows(
        legacy.admin_url,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name LIKE 'vital %'",
    )
    told = " ".join(first.ends_with(1).split())

    assert "The connection to the database was lost: " in told  # in the server's words, or in those of what heard none
    assert "What was committed is kept; run again and it continues" in told
    held.writer.rollback()
    again = manage(legacy, "migrate_tenants", "--to", "004", "--yes", "--json")
    assert again.returncode == 0, said(again)
    assert decided_twice(legacy) == []
