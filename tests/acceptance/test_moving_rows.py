"""Rows move from one tenant to another by a rule in a file: previewed, moved, listed, and moved back exactly."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import databases
from tests.support.cast import DIGITAL_HEALTH, PHARMA
from tests.support.command_results import Done, Manage, document, said
from tests.support.databases import Scratch, clone_with_grants
from tests.support.queries import scalar
from tests.support.tenant_role import as_tenant

NEW = "0a0a0a0a-0000-4000-8000-00000000000b"
WHY = ("--reason", "contract 17")
MOVES = """
[[move]]
table = "prompts"
from = "pharma"
to = "oncology"
when = { column = "domain", equals = "regulatory_affairs" }

[[move]]
table = "public.agents"
to = "oncology"
when = { all = [{ column = "tier", equals = "tier_3" }, { column = "name", contains = "regulatory" }] }
"""
WHERE = {
    "prompts": f"tenant_id = '{PHARMA}' AND domain = 'regulatory_affairs'",
    "agents": "tier = 'tier_3' AND name ILIKE '%%regulatory%%'",
}
WHOLE = "SELECT to_jsonb(t) - 'tenant_id' FROM {} AS t ORDER BY id"


@pytest.fixture(scope="module")
def scratch(migrated_template: Scratch, manage: Manage) -> Iterator[Scratch]:
    copy = clone_with_grants(migrated_template)
    done = manage(copy, "tenants", "add", "oncology", "--id", NEW, *WHY)
    assert done.returncode == 0, said(done)
    yield copy
    databases.drop(copy)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "rows.toml").write_text(MOVES)
    return tmp_path / "rows.toml"


def owners(scratch: Scratch) -> dict[tuple[str, str], str]:
    """(table, row) → its tenant."""
    return {
        (table, key): tenant
        for table in WHERE
        for key, tenant in databases.rows(scratch.admin_url, f"SELECT id::text, tenant_id::text FROM {table}")
    }


def wanted(scratch: Scratch) -> set[tuple[str, str]]:
    return {
        (table, key)
        for table, where in WHERE.items()
        for (key,) in databases.rows(
            scratch.admin_url, f"SELECT id::text FROM {table} WHERE {where.replace('%%', '%')}"
        )
    }


@pytest.mark.slow
def test_rows_change_hands_and_go_back_exactly(scratch: Scratch, manage: Manage, file: Path) -> None:
    def tenants(*words: str) -> Done:
        done = manage(scratch, "tenants", *words, "--json")
        assert done.returncode == 0, said(done)
        return done

    before, chosen = owners(scratch), wanted(scratch)
    contents = [databases.rows(scratch.admin_url, WHOLE.format(table)) for table in WHERE]
    assert len({table for table, _ in chosen}) == 2

    shown = document(tenants("move", str(file), "--dry-run", *WHY))

    assert sum(move["rows"] for move in shown["moves"]) == len(chosen)
    assert owners(scratch) == before

    moved = document(tenants("move", str(file), "--yes", *WHY))

    assert moved["carried_out"] == len(chosen)
    assert moved["waits"] is None
    assert owners(scratch) == before | dict.fromkeys(chosen, NEW)
    assert [databases.rows(scratch.admin_url, WHOLE.format(table)) for table in WHERE] == contents
    prompts = len([table for table, _ in chosen if table == "prompts"])
    for tenant, seen in ((NEW, prompts), (PHARMA, 0)):
        with as_tenant(scratch, tenant) as somebody:
            assert somebody.rows("SELECT count(*) FROM prompts WHERE tenant_id = %s", NEW) == [(seen,)]
    assert scalar(scratch, "SELECT reason FROM vital.audit WHERE id = %s", moved["number"]) == "contract 17"
    assert document(tenants("move", str(file), "--yes", *WHY))["status"] == "nothing_to_do"
    for words in (("migrate_tenants", "run", "--yes"), ("migrate_tenants", "validate"), ("prove_isolation",)):
        done = manage(scratch, *words)
        assert done.returncode == 0, said(done)
    assert owners(scratch) == before | dict.fromkeys(chosen, NEW), "a run leaves them where a person has put them"

    back = document(tenants("move-back", str(moved["number"]), "--yes", "--reason", "a mistake"))

    assert back["moved"] == len(chosen)
    assert owners(scratch) == before
    assert [databases.rows(scratch.admin_url, WHOLE.format(table)) for table in WHERE] == contents
    again = manage(scratch, "tenants", "move-back", str(moved["number"]), "--yes", *WHY)
    assert again.returncode == 2
    assert "There is no move" in again.stderr


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "there is nothing to move"),
        ("[[move]]\ntable = 'agentz'", "must be a table of the plan"),
        (MOVES.replace("oncology", "oncologie"), "Did you mean 'oncology'?"),
        (MOVES.replace('"domain"', '"domian"'), "line 6, column"),
        (MOVES.replace('equals = "regulatory_affairs"', "less = 5"), "does not hold"),
        (MOVES.replace('{ column = "domain", equals = "regulatory_affairs" }', '{ sql = "true" }'), "SQL expression"),
        ("[[move", "cannot be read"),
    ],
)
def test_a_file_that_does_not_hold_moves_nothing(
    scratch: Scratch, manage: Manage, file: Path, text: str, sentence: str
) -> None:
    before = owners(scratch)
    file.write_text(text)

    done = manage(scratch, "tenants", "move", str(file), "--yes", *WHY)

    assert done.returncode == 2, said(done)
    assert sentence in " ".join(done.stderr.split())
    assert owners(scratch) == before


def test_a_move_wants_a_reason_and_a_yes(scratch: Scratch, manage: Manage, file: Path) -> None:
    before = owners(scratch)
    for words, sentence in ((("--yes",), "written down with its reason"), (WHY, "there is no terminal to ask on")):
        done = manage(scratch, "tenants", "move", str(file), *words)
        assert done.returncode == 2, said(done)
        assert sentence in " ".join(done.stderr.split())
    assert owners(scratch) == before


def test_a_row_that_was_decided_or_deleted_since_stays_as_it_is(scratch: Scratch, manage: Manage, file: Path) -> None:
    before, chosen = owners(scratch), sorted(wanted(scratch))
    moved = document(manage(scratch, "tenants", "move", str(file), "--yes", *WHY, "--json"))
    (table, decided), (_, deleted) = chosen[0], chosen[1]
    done = manage(scratch, "migrate_tenants", "decide", table, decided, "digital-health", "--yes", *WHY)
    assert done.returncode == 0, said(done)
    databases.rows(scratch.admin_url, f"DELETE FROM {table} WHERE id = '{deleted}'")

    back = document(manage(scratch, "tenants", "move-back", str(moved["number"]), "--yes", *WHY, "--json"))

    assert back["withdrawn"] == len(chosen) - 1, "that of a row which is gone is withdrawn as well"
    assert back["moved"] == len(chosen) - 2
    expected = before | {(table, decided): DIGITAL_HEALTH}
    del expected[table, deleted]
    assert owners(scratch) == expected
    noted = scalar(scratch, "SELECT count(*) FROM vital.audit WHERE action = 'withdraw' AND facts ->> 'from' = %s", NEW)
    assert noted >= back["withdrawn"]
