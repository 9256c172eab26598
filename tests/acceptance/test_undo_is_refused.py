"""Undo is refused, and changes nothing, where data would be lost or nobody confirmed it."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support import databases, queries
from tests.support.cast import DIGITAL_HEALTH, PHARMA
from tests.support.command_results import Manage, said
from tests.support.databases import Scratch, clone_with_grants
from tests.support.undo import ADDED_CHUNK, remembered, tool

pytestmark = pytest.mark.server
PROMPT = """
    INSERT INTO prompts (name, display_name, description, category, system_prompt, tenant_id)
    VALUES (%s, 'Written later', 'by an application', 'general', 'You are', %s) RETURNING id::text
"""
Refused = Callable[..., str]


@pytest.fixture(scope="module")
def occupied(migrated_template: Scratch) -> Iterator[Scratch]:
    """One migrated database for the refusals, which must leave it as it is anyway."""
    scratch = clone_with_grants(migrated_template)
    yield scratch
    databases.drop(scratch)


@pytest.fixture
def refused(occupied: Scratch, manage: Manage) -> Refused:
    """An undo that is refused and changes nothing; what it says."""

    def undo(*options: str) -> str:
        before = remembered(occupied)
        done = manage(occupied, "migrate_tenants", "undo", "--yes", *options)
        assert done.returncode == 1, said(done)
        assert "Traceback" not in done.stderr
        assert remembered(occupied) == before
        return done.stdout + done.stderr

    return undo


def test_undo_is_refused_while_two_tenants_share_a_key(occupied: Scratch, refused: Refused) -> None:
    twins = [tool(occupied, "twin", tenant) for tenant in (DIGITAL_HEALTH, PHARMA)]
    words = refused("--phase", "006")
    assert f"tools {min(twins)}" in words
    assert "twin" in words
    problems = json.loads(refused("--phase", "006", "--json"))["problems"]
    assert [(problem["table"], problem["key"]) for problem in problems] == [("tools", min(twins))]
    queries.write_as_owner(occupied, "DELETE FROM tools WHERE tool_key = 'twin'")


NOTES = "CREATE TABLE notes (id uuid PRIMARY KEY, tenant_id uuid REFERENCES tenants ON DELETE CASCADE)"
WRITTEN_FOR_PHARMA = {
    "prompts": (PROMPT, ["a prompt of theirs", PHARMA]),
    "knowledge_base": (ADDED_CHUNK, [PHARMA]),
    "org_departments": (
        "INSERT INTO org_departments (tenant_id, code, name) VALUES (%s, 'NEW', 'New') RETURNING id::text",
        [PHARMA],
    ),
    "notes": ("INSERT INTO notes VALUES (gen_random_uuid(), %s) RETURNING id::text", [PHARMA]),
}


def test_a_tenant_is_never_removed_with_rows_that_vital_did_not_put_there(
    occupied: Scratch, refused: Refused, tmp_path: Path
) -> None:
    queries.write_as_owner(occupied, NOTES)  # a table that no plan knows
    theirs = {}
    for table, (statement, values) in WRITTEN_FOR_PHARMA.items():
        ((theirs[table],),) = queries.write_as_owner(occupied, statement, *values)
    words = refused()
    assert [table for table, key in theirs.items() if f"{table} {key}" not in words] == []
    refused("--archive", str(tmp_path / "archive"))
    for table, key in theirs.items():
        assert queries.write_as_owner(occupied, f"DELETE FROM {table} WHERE id = %s RETURNING id::text", key) == [
            (key,)
        ]
    queries.write_as_owner(occupied, "DROP TABLE notes")


def test_undo_without_a_terminal_asks_for_yes(occupied: Scratch, manage: Manage) -> None:
    before = remembered(occupied)
    done = manage(occupied, "migrate_tenants", "undo")
    assert done.returncode == 2, said(done)
    assert "--yes" in done.stderr
    assert remembered(occupied) == before
