"""References into another tenant are resolved behind isolation: listed, previewed, carried out each way, valid, proved,
and undone so that the database is what it was."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import database_state, databases
from tests.support.cast import PHARMA
from tests.support.command_results import Manage, document, said
from tests.support.databases import Scratch, clone_with_grants, rows
from tests.support.tenant_role import as_tenant

WHY = ("--reason", "contract 17", "--yes")
GROUP = ("knowledge_base", "source_id", "pharma", "digital-health")
# Sources of Digital Health that chunks of Pharma refer to: seven chunks to three sources.
CROSSING = """
    WITH source AS (
        SELECT id, row_number() OVER (ORDER BY id) AS place FROM knowledge_sources
         WHERE tenant_id = '11111111-1111-1111-1111-111111111111' ORDER BY id LIMIT 3
    ), chunk AS (
        SELECT id, row_number() OVER (ORDER BY id) AS place FROM knowledge_base
         WHERE tenant_id = 'f7aa6fd4-0af9-4706-8b31-034f1f7accda' ORDER BY id LIMIT 7
    )
    UPDATE knowledge_base AS k SET source_id = source.id FROM chunk JOIN source ON source.place = 1 + chunk.place %% 3
     WHERE k.id = chunk.id RETURNING k.id::text
"""


@pytest.fixture
def scratch(migrated_template: Scratch) -> Iterator[Scratch]:
    """After 006; seven chunks of Pharma refer to sources of Digital Health, as old code had left them."""
    copy = clone_with_grants(migrated_template)
    rows(copy.admin_url, "SET session_replication_role = replica; " + CROSSING.replace("%%", "%"))
    yield copy
    databases.drop(copy)


def resolve(manage: Manage, scratch: Scratch, *words: str, code: int = 0) -> dict[str, Any]:
    done = manage(scratch, "migrate_tenants", "resolve", *words, "--json")
    assert done.returncode == code, said(done)
    return document(done)


def groups(manage: Manage, scratch: Scratch) -> dict[tuple[str, ...], int]:
    names = ("table", "columns", "tenant", "parent_tenant")
    return {tuple(one[n] for n in names): one["references"] for one in resolve(manage, scratch)["groups"]}


def lost(scratch: Scratch) -> int:
    """How many chunks of Pharma refer to a source that Pharma does not see."""
    with as_tenant(scratch, PHARMA) as pharma:
        ((count,),) = pharma.rows(
            "SELECT count(*) FROM knowledge_base AS k LEFT JOIN knowledge_sources AS s ON s.id = k.source_id"
            " WHERE k.source_id IS NOT NULL AND s.id IS NULL"
        )
    return int(count)


@pytest.mark.slow
def test_copies_are_the_tenant_s_own_and_go_again(scratch: Scratch, manage: Manage) -> None:
    before = database_state.dump_platform(scratch)
    count, unseen = groups(manage, scratch)[GROUP], lost(scratch)
    assert unseen >= count >= 7

    shown = resolve(manage, scratch, *GROUP, "--by", "copy", "--dry-run")
    assert (shown["status"], shown["references"]) == ("dry_run", count)
    assert {one["to"] for one in shown["exposes"]} == {"pharma"}
    assert database_state.dump_platform(scratch) == before

    done = resolve(manage, scratch, *GROUP, "--by", "copy", *WHY)

    assert GROUP not in groups(manage, scratch)
    copied = sum(one["rows"] for one in done["copies"] if one["table"] == "knowledge_sources")
    assert lost(scratch) == unseen - count, "the tenant sees what its rows refer to"
    for words in (("migrate_tenants", "validate"), ("migrate_tenants", "run", "--yes"), ("prove_isolation",)):
        did = manage(scratch, *words)
        assert did.returncode == 0, said(did)
    assert GROUP not in groups(manage, scratch), "a run leaves them where a person has put them"

    undone = resolve(manage, scratch, "--undo", str(done["number"]), *WHY)

    assert undone["removed"]["knowledge_sources"] == copied
    assert undone["kept"] == []
    assert groups(manage, scratch)[GROUP] == count
    assert database_state.dump_platform(scratch) == before


@pytest.mark.slow
@pytest.mark.parametrize("words", [("move-child",), ("move-parent", "--follow"), ("share", "--follow"), ("accept",)])
def test_the_other_ways_are_valid_and_undone(scratch: Scratch, manage: Manage, words: tuple[str, ...]) -> None:
    before = database_state.dump_platform(scratch)
    done = resolve(manage, scratch, *GROUP, "--by", *words, *WHY)
    assert GROUP not in groups(manage, scratch)

    valid = manage(scratch, "migrate_tenants", "validate")
    assert valid.returncode == 0, said(valid)
    assert done["would_cross"] == []

    resolve(manage, scratch, "--undo", str(done["number"]), *WHY)
    assert database_state.dump_platform(scratch) == before


@pytest.mark.slow
def test_an_undo_of_everything_undoes_copies_too(scratch: Scratch, manage: Manage) -> None:
    refers = "SELECT id::text, source_id::text FROM knowledge_base ORDER BY id"
    before = rows(scratch.admin_url, refers)
    resolve(manage, scratch, *GROUP, "--by", "copy", *WHY)
    assert rows(scratch.admin_url, "SELECT count(*) FROM vital.row_copy")[0][0] > 0
    copies = "SELECT count(*) FROM knowledge_sources WHERE id::text IN (SELECT copy FROM vital.row_copy)"

    undone = manage(scratch, "migrate_tenants", "undo", "--yes")

    assert undone.returncode == 0, said(undone)
    assert rows(scratch.admin_url, copies) == [(0,)]
    assert rows(scratch.admin_url, refers) == before


def test_nothing_is_resolved_unasked_or_without_a_reason(scratch: Scratch, manage: Manage, tmp_path: Path) -> None:
    before = database_state.dump_platform(scratch)
    asked = manage(scratch, "migrate_tenants", "resolve", *GROUP, "--by", "accept", "--reason", "x", cwd=tmp_path)
    assert (asked.returncode, "--yes" in asked.stderr) == (2, True), said(asked)
    for words in (
        (*GROUP, "--by", "accept", "--yes"),
        (*GROUP, "--by", "accept", *WHY, "--key", "nothing"),
        (*GROUP[:3], "--by", "accept", *WHY),
        (*GROUP, *WHY),
        ("--undo", "999999", *WHY),
        ("--undo", "1", "--dry-run"),
        ("--follow",),
    ):
        done = manage(scratch, "migrate_tenants", "resolve", *words, cwd=tmp_path)
        assert done.returncode == 2, said(done)
        assert "Traceback" not in done.stderr
    assert database_state.dump_platform(scratch) == before
