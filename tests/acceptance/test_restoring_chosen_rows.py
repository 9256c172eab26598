"""A restore of some tables or rows alone: what they need comes along, what went with them if that is wanted."""

import pytest

from tests.support import restores
from tests.support.command_results import Manage, said
from tests.support.databases import Scratch, rows
from tests.support.queries import scalar
from tests.support.restores import MINE, WHY, BackedUp, by_name, others, owned

pytestmark = pytest.mark.slow

TALKS = f"SELECT id::text FROM conversations WHERE {MINE} ORDER BY title"


def test_a_table_alone(backed_up: BackedUp, restorable: Scratch, manage: Manage) -> None:
    then, around = owned(restorable), others(restorable)
    rows(restorable.admin_url, f"UPDATE prompts SET version = '9' WHERE {MINE}")
    rows(restorable.admin_url, f"UPDATE tools SET name = 'x' WHERE {MINE}")

    done = restores.restore(restorable, manage, backed_up.file, "--table", "prompts", "--yes", *WHY)

    assert list(by_name(done)) == ["prompts"]
    now = owned(restorable)
    assert now["public.prompts"] == then["public.prompts"]
    assert now["public.tools"] != then["public.tools"]
    assert others(restorable) == around


def test_a_row_brings_what_it_refers_to_and_nothing_else(
    backed_up: BackedUp, restorable: Scratch, manage: Manage
) -> None:
    talk = rows(restorable.admin_url, TALKS)[0][0]
    line = scalar(restorable, "SELECT min(id::text) FROM messages WHERE conversation_id = %s", talk)
    rows(restorable.admin_url, f"DELETE FROM users WHERE {MINE}")  # and every conversation, and their messages
    assert scalar(restorable, f"SELECT count(*) FROM messages WHERE {MINE}") == 0
    before = owned(restorable)

    done = restores.restore(restorable, manage, backed_up.file, "--table", "messages", "--key", line, "--yes", *WHY)

    assert {name: (table["deleted"], table["followed"]) for name, table in by_name(done).items()} == {
        "users": (1, 1), "conversations": (1, 1), "messages": (1, 0),
    }  # fmt: skip
    assert scalar(restorable, f"SELECT string_agg(id::text, ',') FROM messages WHERE {MINE}") == line
    assert scalar(restorable, f"SELECT string_agg(id::text, ',') FROM conversations WHERE {MINE}") == talk
    restores.undo(restorable, manage, done["run"])
    assert owned(restorable) == before


def test_a_row_brings_what_went_with_it_where_that_is_wanted(
    backed_up: BackedUp, restorable: Scratch, manage: Manage
) -> None:
    then = owned(restorable)
    first, second = (key for (key,) in rows(restorable.admin_url, TALKS)[:2])
    rows(restorable.admin_url, "DELETE FROM conversations WHERE id = ANY(%s::uuid[])", [[first, second]])

    done = restores.restore(
        restorable, manage, backed_up.file,
        "--table", "conversations", "--key", first, "--key", second, "--with-children", "--yes", *WHY,
    )  # fmt: skip

    assert {name: table["deleted"] for name, table in by_name(done).items()} == {"conversations": 2, "messages": 20}
    assert owned(restorable) == then


def test_a_changed_row_alone_and_the_others_as_they_are(
    backed_up: BackedUp, restorable: Scratch, manage: Manage
) -> None:
    rows(restorable.admin_url, f"UPDATE tools SET name = 'x' WHERE {MINE}")
    key = scalar(restorable, f"SELECT id::text FROM tools WHERE {MINE} AND tool_key = 'key-3'")

    shown = manage(
        restorable, "tenants", "restore", "pharma", "--from", str(backed_up.file), "--table", "tools", "--key", key
    )

    assert shown.returncode == 0, said(shown)
    assert "Nothing was changed. 1 row would be written: --yes does it." in shown.stdout
    restores.restore(restorable, manage, backed_up.file, "--table", "tools", "--key", key, "--yes", *WHY)
    names = dict(rows(restorable.admin_url, f"SELECT tool_key, name FROM tools WHERE {MINE}"))
    assert names == {f"key-{n}": "tool 3" if n == 3 else "x" for n in range(1, 6)}
