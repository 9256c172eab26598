"""An undo that was killed, or stopped between two phases, continues exactly."""

import time

import pytest

from tests.support import background, databases, patience, queries
from tests.support.command_results import Manage, document, said
from tests.support.databases import Scratch, clone_with_grants
from tests.support.pause_point import paused_at

MOMENTS = {
    "while isolation is turned off": ("vital.applied_statement", "SELECT count(*) < 60 FROM vital.applied_statement"),
    "while rows go back": ("vital.ledger", "SELECT count(*) FILTER (WHERE undone_at IS NULL) < 40 FROM vital.ledger"),
    "while the schema goes back": ("vital.applied_statement", "SELECT count(*) < 20 FROM vital.applied_statement"),
}


def test_rows_that_are_touched_between_two_undos_go_back_with_their_trigger(
    prepared: Scratch, legacy_template: Scratch, manage: Manage
) -> None:
    """Until 002 is undone its trigger gives a tenant to whatever an application writes, by the rules of 003 and 004,
    although these stand undone, or were never done."""
    tables = ("tools", "agents", "prompts", "knowledge_base", "messages")
    for table in tables:
        queries.write_as_owner(prepared, f"UPDATE {table} SET id = id")
    assert queries.scalar(prepared, "SELECT count(*) FROM prompts WHERE tenant_id IS NULL") == 0

    undone = manage(prepared, "migrate_tenants", "undo", "--yes")

    assert undone.returncode == 0, said(undone)
    assert "changed since" not in undone.stdout, said(undone)
    for table in tables:
        columns = [name for name in queries.columns(legacy_template, table) if name != "updated_at"]
        found, now = (queries.content(scratch, table, columns) for scratch in (legacy_template, prepared))
        assert now == found, table
    assert queries.scalar(prepared, "SELECT count(*) FROM vital.ledger WHERE undone_at IS NULL") == 0


@pytest.mark.slow
def test_an_undo_that_is_killed_goes_on_exactly(migrated_template: Scratch, manage: Manage, legacy_dump: str) -> None:
    migrated = clone_with_grants(migrated_template)
    for name, (table, moment) in MOMENTS.items():
        with (
            paused_at(migrated, table, moment) as stands,
            background.start(migrated, "migrate_tenants", "undo", "--yes") as running,
        ):
            running.until(stands)
            running.kill()
            wait_for_clients_to_go(migrated)
        status = document(manage(migrated, "migrate_tenants", "status", "--json"))
        assert status["next"] is not None, f"killed {name}, it still passes as done"
    done = manage(migrated, "migrate_tenants", "undo", "--yes", "--json")
    assert done.returncode == 0, said(done)
    assert document(done)["conflicts"] == []
    assert databases.dump(migrated.admin_url) == legacy_dump
    databases.drop(migrated)


def wait_for_clients_to_go(scratch: Scratch) -> None:
    """The server notices that a killed client is gone within a second or two."""
    others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = %s"
    deadline = time.monotonic() + patience.seconds(10)
    while queries.scalar(scratch, others, databases.OWNER):
        assert time.monotonic() < deadline
        time.sleep(0.05)
