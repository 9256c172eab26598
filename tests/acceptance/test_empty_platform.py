"""A database with nothing in it gets the platform's tables, and goes through all phases like any other."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.support import databases, queries
from tests.support.cast import DIGITAL_HEALTH, PHARMA, PLATFORM
from tests.support.command_results import Done, Manage, document, said
from tests.support.databases import Scratch
from tests.support.queries import PHASES, TABLES


@dataclass
class Empty:
    """What each command left, from an empty database there, back, and there again."""

    scratch: Scratch
    bare: str
    run: Done
    done: str
    undone: str
    again: str


@pytest.fixture(scope="module")
def journey(server_url: str, manage: Manage) -> Iterator[Empty]:
    scratch = databases.create_empty(server_url)
    dumps, last = [], None
    for arguments in (["migrate", "-v0"], *(["migrate_tenants", *verb, "--yes"] for verb in ([], ["undo"], []))):
        done = manage(scratch, *arguments)
        assert done.returncode == 0, said(done)
        dumps.append(schema(scratch))
        last = last or (done if arguments[0] == "migrate_tenants" else None)
    assert last is not None
    yield Empty(scratch, dumps[0], last, *dumps[1:])
    databases.drop(scratch)


def schema(scratch: Scratch) -> str:
    """The platform's tables, in which only the rows that 002 makes have ids and times of their own."""
    made = ("tenants", "org_departments", "organizational_levels", "business_functions")
    dump = databases.dump(scratch.admin_url, *(f"--exclude-table-data={table}" for table in made))
    return dump + str(databases.rows(scratch.admin_url, "SELECT name, slug, domain, settings FROM tenants ORDER BY id"))


@pytest.mark.slow
def test_every_phase_is_completed_with_no_row_to_assign(journey: Empty, manage: Manage) -> None:
    status = document(manage(journey.scratch, "migrate_tenants", "status", "--json"))
    assert [(phase["phase"], phase["status"]) for phase in status["phases"]] == [(key, "completed") for key in PHASES]
    for phase in status["phases"][3:5]:
        assert (phase["rows_seen"], phase["rows_changed"], phase["findings"]) == (0, 0, 0)
    assert status["next"] is None
    for table in TABLES:
        assert queries.scalar(journey.scratch, f"SELECT count(*) FROM {table}") == 0


def test_the_three_tenants_and_the_fence_are_there(journey: Empty) -> None:
    found = databases.rows(journey.scratch.admin_url, "SELECT id::text FROM tenants")
    assert {key for (key,) in found} == {PLATFORM, DIGITAL_HEALTH, PHARMA}
    nullable = databases.rows(
        journey.scratch.admin_url,
        "SELECT table_name FROM information_schema.columns WHERE table_schema = 'public' AND column_name = 'tenant_id'"
        " AND is_nullable = 'YES'",
    )
    followers = {"users", "conversations", "messages", "agent_tool_assignments"}
    assert {table for (table,) in nullable} == followers, "NOT NULL comes at once where a rule knows every new row"
    for table in TABLES:
        fenced = "SELECT relrowsecurity AND relforcerowsecurity FROM pg_class WHERE oid = %s::regclass"
        assert queries.scalar(journey.scratch, fenced, f"public.{table}") is True, table


def test_undo_leaves_what_migrate_made_and_doing_it_again_comes_to_the_same(journey: Empty) -> None:
    assert journey.undone == journey.bare
    assert journey.done != journey.bare
    assert journey.again == journey.done


def test_rows_that_come_later_find_their_tenant(journey: Empty) -> None:
    ((tenant,),) = queries.write_as_owner(
        journey.scratch,
        "INSERT INTO knowledge_base (chunk_index, content, content_hash, domain)"
        " VALUES (1, 'c', 'h', 'pharmacovigilance') RETURNING tenant_id::text",
    )
    assert tenant == PHARMA
