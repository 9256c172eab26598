"""The ledger can be pruned, but never of what an undo needs: afterwards an undo is as exact as before."""

import pytest

from tests.support import queries
from tests.support.cast import PHARMA
from tests.support.command_results import Manage, document, said
from tests.support.databases import Scratch, rows

WHY = ("--reason", "retention")
STANDING = "SELECT count(*) FROM vital.ledger WHERE undone_at IS NULL"
UNDONE = "SELECT count(*) FROM vital.ledger WHERE undone_at IS NOT NULL"
REMEMBERED = """
    SELECT (SELECT count(*) FROM vital.ledger WHERE {key} = ANY(keys)),
           (SELECT count(*) FROM vital.override WHERE key = {key}),
           (SELECT count(*) FROM vital.finding WHERE key = {key})
"""
CONTENT = "SELECT sum(hashtextextended(to_jsonb(t)::text, 0)) FROM public.{} AS t"


@pytest.fixture
def twice(migrated: Scratch, manage: Manage) -> Scratch:
    """A database in which 004 was undone, and carried out again."""
    for words in (("undo", "--phase", "004"), ()):
        done = manage(migrated, "migrate_tenants", *words, "--yes")
        assert done.returncode == 0, said(done)
    return migrated


@pytest.mark.slow
def test_what_was_undone_goes_and_an_undo_is_as_exact_as_before(
    twice: Scratch, legacy_template: Scratch, manage: Manage
) -> None:
    ((standing,),), ((undone,),) = rows(twice.owner_url, STANDING), rows(twice.owner_url, UNDONE)
    assert undone > 0
    assert (
        document(manage(twice, "ledger", "purge", "--dry-run", "--undone-before", "0", "--json"))["entries"] == undone
    )
    young = manage(twice, "ledger", "purge", *WHY, "--json")
    assert document(young)["entries"] == 0, "none is ninety days old"
    unsaid = manage(twice, "ledger", "purge", "--undone-before", "0", "--json")
    assert unsaid.returncode == 2, said(unsaid)

    done = manage(twice, "ledger", "purge", "--undone-before", "0", *WHY, "--json")

    assert document(done)["entries"] == undone, said(done)
    assert (rows(twice.owner_url, STANDING), rows(twice.owner_url, UNDONE)) == ([(standing,)], [(0,)])
    back = manage(twice, "migrate_tenants", "undo", "--yes")
    assert back.returncode == 0, said(back)
    assert content(twice) == content(legacy_template)


def content(scratch: Scratch) -> dict[str, object]:
    """Table → the sum of its rows' hashes."""
    return {table: queries.scalar(scratch, CONTENT.format(table)) for table in queries.TABLES}


@pytest.mark.slow
def test_the_key_of_a_deleted_row_is_nowhere_afterwards(migrated: Scratch, manage: Manage) -> None:
    ((key,),) = rows(migrated.admin_url, "SELECT id::text FROM messages WHERE tenant_id IS NULL ORDER BY id LIMIT 1")
    decided = manage(migrated, "migrate_tenants", "decide", "messages", key, "pharma", "--reason", "theirs", "--yes")
    assert decided.returncode == 0, said(decided)
    there = manage(migrated, "ledger", "forget", "messages", key, *WHY, "--json")
    assert there.returncode == 2, said(there)
    assert "is still there" in document(there)["error"]
    ((others,),) = rows(migrated.owner_url, "SELECT sum(rows) FROM vital.ledger")
    rows(migrated.admin_url, f"DELETE FROM messages WHERE id = '{key}'")

    done = manage(migrated, "ledger", "forget", "messages", key, *WHY, "--json")

    assert done.returncode == 0, said(done)
    assert document(done)["entries"] >= 1
    assert rows(migrated.owner_url, REMEMBERED.format(key=f"'{key}'")) == [(0, 0, 0)]
    forgotten = rows(migrated.owner_url, "SELECT reason, facts::text FROM vital.audit WHERE action = 'forget key'")
    assert forgotten[0][0] == "retention"
    assert key not in forgotten[0][1]
    assert rows(migrated.owner_url, "SELECT sum(rows) FROM vital.ledger") == [(others - 1,)], (
        "the others are remembered"
    )
    kept = "SELECT count(*) FROM vital.ledger WHERE cardinality(keys) <> rows OR cardinality(hashes) <> rows"
    assert rows(migrated.owner_url, kept) == [(0,)]
    back = manage(migrated, "migrate_tenants", "undo", "--yes")
    assert back.returncode == 0, said(back)


def test_its_size_is_told_by_table(migrated_template: Scratch, manage: Manage) -> None:
    found = document(manage(migrated_template, "ledger", "--json"))

    assert found["bytes"] > 0
    ((agents,),) = rows(
        migrated_template.owner_url, "SELECT sum(rows) FROM vital.ledger WHERE relation = 'public.agents'"
    )
    assert next(one for one in found["tables"] if one["table"] == "agents")["rows"] == agents
    assert PHARMA not in str(found)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("forget", "users"), "forget takes TABLE KEY"),
        (("forget", "nothing", "x"), "nothing"),
        (("purge", "x"), "takes no words"),
    ],
)
def test_what_cannot_be_meant_is_one_sentence(
    migrated_template: Scratch, manage: Manage, words: tuple[str, ...], why: str
) -> None:
    refused = manage(migrated_template, "ledger", *words, *WHY, "--json")

    assert refused.returncode == 2, said(refused)
    assert why in document(refused)["error"]
