"""One tenant as it was: damaged in every way, restored equal to the backup, others untouched, and back exactly."""

import pytest

from tests.support import restores
from tests.support.cast import PHARMA
from tests.support.command_results import Manage
from tests.support.databases import Scratch, rows
from tests.support.restores import MINE, WHY, BackedUp, by_name, others, owned

pytestmark = pytest.mark.slow

DAMAGES = {
    "other values": (
        f"UPDATE prompts SET version = NULL, metadata = '{{\"a\": [1, 2]}}' WHERE {MINE} AND name > 'f'",
        f"UPDATE knowledge_base SET content = upper(content), tags = NULL WHERE {MINE}",
    ),
    "deleted": (f"DELETE FROM prompts WHERE {MINE} AND name > 'f'", f"DELETE FROM messages WHERE {MINE}"),
    "deleted with what refers to it": (
        f"DELETE FROM agents WHERE {MINE}",
        f"DELETE FROM knowledge_sources WHERE {MINE}",
        f"DELETE FROM users WHERE {MINE}",
    ),
    "inserted again with new keys": (f"UPDATE prompts SET id = gen_random_uuid() WHERE {MINE}",),
    "inserted again with new keys, and what refers to it leads there": (
        "CREATE TEMP TABLE renewed AS SELECT id AS old, gen_random_uuid() AS new FROM tools"
        f" WHERE {MINE}; UPDATE tools SET tool_key = 'old-' || tool_key WHERE {MINE};"
        " INSERT INTO tools (id, name, description, tool_key, tool_type, tenant_id)"
        " SELECT new, name, description, substr(tool_key, 5), tool_type, tenant_id FROM tools JOIN renewed ON old = id;"
        " UPDATE agent_tool_assignments SET tool_id = new FROM renewed WHERE tool_id = old;"
        " DELETE FROM tools WHERE id IN (SELECT old FROM renewed)",
    ),
    "references emptied": (
        f"UPDATE knowledge_base SET source_id = NULL WHERE {MINE}",
        f"UPDATE org_departments SET parent_department_id = NULL WHERE {MINE}",
    ),
    "unique values exchanged": (
        f"""CREATE TEMP TABLE two AS
        SELECT min(id::text)::uuid AS a, max(id::text)::uuid AS b FROM prompts WHERE {MINE};
        UPDATE prompts SET name = '~' || name FROM two WHERE id IN (a, b);
        UPDATE prompts AS p SET name = substr(o.name, 2) FROM prompts AS o, two
        WHERE p.id IN (a, b) AND o.id IN (a, b) AND o.id <> p.id""",
    ),
    "rows added": (
        f"""INSERT INTO prompts (name, display_name, description, category, system_prompt, tenant_id)
            SELECT 'new ' || n, 'x', 'x', 'x', 'x', '{PHARMA}' FROM generate_series(1, 30) AS n""",
        f"""INSERT INTO conversations (user_id, title, mode, tenant_id)
            SELECT id, 'new', (SELECT mode FROM conversations LIMIT 1), '{PHARMA}' FROM users WHERE {MINE}""",
        f"""INSERT INTO messages (conversation_id, role, content, tenant_id)
            SELECT id, 'user', 'new', '{PHARMA}' FROM conversations WHERE {MINE} AND title = 'new'""",
    ),
    "a tree turned around": (
        f"UPDATE org_departments SET parent_department_id = NULL WHERE {MINE}",
        f"""UPDATE org_departments AS d SET parent_department_id = (
            SELECT id FROM org_departments AS o WHERE o.{MINE} AND o.code > d.code ORDER BY o.code LIMIT 1)
        WHERE {MINE}""",
    ),
    "all of it deleted": tuple(
        f"DELETE FROM {table} WHERE {MINE}"
        for table in (
            *("messages", "conversations", "users", "agent_tool_assignments", "tools", "agents", "prompts"),
            *("knowledge_base", "knowledge_sources", "org_departments", "business_functions", "organizational_levels"),
        )
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", DAMAGES)
def test_what_was_damaged_is_as_the_backup_has_it_and_goes_back_exactly(
    what: str, backed_up: BackedUp, restorable: Scratch, manage: Manage
) -> None:
    then = owned(restorable)
    for statement in DAMAGES[what]:
        rows(restorable.admin_url, statement)
    damaged, around = owned(restorable), others(restorable)
    assert damaged != then

    shown = restores.restore(restorable, manage, backed_up.file, "--delete-added")

    assert shown["status"] == "shown"
    assert shown["to_write"] > 0
    assert owned(restorable) == damaged

    done = restores.restore(restorable, manage, backed_up.file, "--delete-added", "--yes", *WHY)

    assert done["status"] == "restored", done
    assert owned(restorable) == then
    assert others(restorable) == around
    assert done["others"]["same"]
    assert done["others"]["rows"] > 1_000
    again = restores.restore(restorable, manage, backed_up.file, "--delete-added", "--yes", *WHY)
    assert again["status"] == "nothing_to_do"

    undone = restores.undo(restorable, manage, done["run"])

    assert undone["kept"] == []
    assert owned(restorable) == damaged
    assert others(restorable) == around


def test_rows_added_since_stay_unless_they_are_to_go(backed_up: BackedUp, restorable: Scratch, manage: Manage) -> None:
    for statement in (*DAMAGES["deleted"], *DAMAGES["rows added"]):
        rows(restorable.admin_url, statement)
    added = by_name(restores.restore(restorable, manage, backed_up.file))["prompts"]["added"]

    done = restores.restore(restorable, manage, backed_up.file, "--yes", *WHY)

    assert added == 30
    assert done["status"] == "restored"
    assert sum(table["done"]["added"] for table in done["tables"]) == 0
    left = by_name(restores.restore(restorable, manage, backed_up.file))
    assert {name: table["added"] for name, table in left.items() if table["added"]} == {
        "prompts": 30, "conversations": 1, "messages": 1,
    }  # fmt: skip
    assert all(table["changed"] == table["deleted"] == 0 for table in left.values())
