"""A clone of a tenant: each row is a copy with a new key, which refers to copies and to the Platform's rows."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.support import databases
from tests.support.cast import PHARMA, PLATFORM
from tests.support.command_results import Done, Manage, document, said
from tests.support.databases import Scratch, clone_with_grants, rows
from tests.support.paths import ROOT
from tests.support.queries import scalar
from tests.support.tenant_role import as_tenant

NEW = "0a0a0a0a-0000-4000-8000-00000000000c"
ALIAS = "0a0a0a0a-0000-4000-8000-00000000000d"
WHY = ("--reason", "a trial of ours")
TABLES = ("agents", "prompts", "knowledge_sources", "knowledge_base", "agent_tool_assignments", "conversations")
CONTENT = "SELECT tenant_id::text, count(*), sum(hashtextextended(to_jsonb(t)::text, 0)) FROM {} AS t GROUP BY 1"
REFERENCES = """
    SELECT c.conrelid::regclass::text, a.attname::text, c.confrelid::regclass::text, b.attname::text
    FROM pg_constraint AS c
    JOIN pg_attribute AS a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
    JOIN pg_attribute AS b ON b.attrelid = c.confrelid AND b.attnum = c.confkey[1]
    WHERE c.contype = 'f' AND c.connamespace = 'public'::regnamespace AND a.attname <> 'tenant_id'
      AND EXISTS (SELECT FROM pg_attribute WHERE attrelid = c.conrelid AND attname = 'tenant_id')
      AND EXISTS (SELECT FROM pg_attribute WHERE attrelid = c.confrelid AND attname = 'tenant_id')
"""
# The chunks of a tenant as they read when every key is replaced by what it stands for, of its own and the Platform's.
CHUNKS = """
    SELECT s.title, k.chunk_index, k.content, k.domain, k.created_at
    FROM knowledge_base AS k
    LEFT JOIN knowledge_sources AS s ON s.id = k.source_id
        AND s.tenant_id IN (k.tenant_id, '00000000-0000-0000-0000-000000000001')
    WHERE k.tenant_id = '{}'
    ORDER BY 1, 2, 3
"""
OWN = f"""
    WITH agent AS (
        INSERT INTO agents (name, display_name, description, system_prompt, tenant_id)
        VALUES ('a chemist', 'Chemist', 'knows', 'You know.', '{PHARMA}') RETURNING id
    ), tool AS (
        INSERT INTO tools (name, description, tool_type, tool_key, tenant_id)
        SELECT 'a scale', 'weighs', tool_type, 'a-scale', '{PHARMA}' FROM tools LIMIT 1 RETURNING id
    )
    INSERT INTO agent_tool_assignments (agent_id, tool_id, tenant_id)
    SELECT agent.id, t.id, '{PHARMA}'
    FROM agent, (SELECT id FROM tool UNION ALL (SELECT id FROM tools WHERE tenant_id = '{PLATFORM}' LIMIT 2)) AS t
"""


@pytest.fixture(scope="module")
def home(migrated_template: Scratch) -> Iterator[Scratch]:
    """Pharma has an agent that uses a tool of its own and two of the Platform's."""
    scratch = clone_with_grants(migrated_template)
    rows(scratch.admin_url, OWN)
    yield scratch
    databases.drop(scratch)


def clone(manage: Manage, scratch: Scratch, *words: str) -> Done:
    return manage(scratch, "tenants", "clone", *words, *WHY, "--json")


def content(scratch: Scratch) -> dict[str, dict[str, tuple[int, int]]]:
    """Table → tenant → rows and fingerprint."""
    return {
        table: {tenant: (count, total) for tenant, count, total in rows(scratch.admin_url, CONTENT.format(table))}
        for table in TABLES
    }


def test_every_row_is_copied_and_nobody_else_notices(home: Scratch, manage: Manage) -> None:
    scratch = clone_with_grants(home)
    try:
        before = content(scratch)
        assert manage(scratch, "tenants", "add-alias", "pharma", ALIAS, *WHY).returncode == 0
        taken = clone(manage, scratch, "pharma", "pharma-trial", "--id", ALIAS)
        assert f"the id {ALIAS} belongs to pharma" in document(taken)["error"]

        done = clone(manage, scratch, "pharma", "pharma-trial", "--id", NEW, "--name", "Pharma's trial")

        assert done.returncode == 0, said(done)
        now = content(scratch)
        assert {t: {k: v for k, v in found.items() if k != NEW} for t, found in now.items()} == before
        counts = {table: (found[PHARMA][0], found[NEW][0]) for table, found in now.items() if PHARMA in found}
        assert len(counts) >= 4
        assert all(first == second > 0 for first, second in counts.values()), counts
        assert sum(second for _, second in counts.values()) <= document(done)["rows"]
        chunks = rows(scratch.admin_url, CHUNKS.format(PHARMA))
        assert chunks == rows(scratch.admin_url, CHUNKS.format(NEW))
        assert len(chunks) == counts["knowledge_base"][0]
        aliases = rows(scratch.admin_url, "SELECT id::text, tenant_id::text FROM vital.tenant_alias")
        assert aliases == [(ALIAS, PHARMA)], "what a tenant is called stays its own"
    finally:
        databases.drop(scratch)


def test_a_copy_refers_to_copies_and_to_the_platforms(home: Scratch, manage: Manage) -> None:
    scratch = clone_with_grants(home)
    try:
        done = clone(manage, scratch, "pharma", "pharma-trial", "--id", NEW)
        assert done.returncode == 0, said(done)
        references = rows(scratch.admin_url, REFERENCES)
        owners = {
            (child, column): dict(
                rows(
                    scratch.admin_url,
                    f"SELECT p.tenant_id::text, count(*) FROM {child} c JOIN {parent} p ON p.{key} = c.{column}"
                    f" WHERE c.tenant_id = '{NEW}' GROUP BY 1",
                )
            )
            for child, column, parent, key in references
        }

        assert len(references) > 5
        assert PHARMA not in {owner for found in owners.values() for owner in found}
        tools = owners["agent_tool_assignments", "tool_id"]
        assert set(tools) == {NEW, PLATFORM}
        assert tools[NEW] == 1
        assert owners["agent_tool_assignments", "agent_id"] == {NEW: sum(tools.values())}
        with as_tenant(scratch, NEW) as trial, as_tenant(scratch, PHARMA) as pharma:
            names = "SELECT tenant_id::text FROM agents WHERE name = 'a chemist'"
            assert trial.rows(names) == [(NEW,)]
            assert pharma.rows(names) == [(PHARMA,)]
        assert all(set(found) <= {NEW, PLATFORM} for found in owners.values()), (
            "a third tenant's row is nobody's to copy"
        )
        third = (
            "SELECT count(*) FROM knowledge_base c JOIN knowledge_sources p ON p.id = c.source_id"
            " WHERE c.tenant_id = %s AND p.tenant_id NOT IN (%s, %s)"
        )
        assert (
            document(done)["across"]["knowledge_base (source_id)"]
            == scalar(scratch, third, PHARMA, PHARMA, PLATFORM)
            > 0
        )
        assert manage(scratch, "migrate_tenants", "validate").returncode == 0
    finally:
        databases.drop(scratch)


def test_a_trial_keeps_nothing(home: Scratch, manage: Manage) -> None:
    before = content(home)

    done = manage(home, "tenants", "clone", "pharma", "pharma-trial", "--dry-run", *WHY)

    assert done.returncode == 0, said(done)
    assert "Nothing was kept" in done.stdout
    assert content(home) == before
    assert scalar(home, "SELECT count(*) FROM vital.audit WHERE action = 'clone tenant'") == 0


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("pharma",), "clone takes SLUG NEW"),
        (("nobody", "new"), "There is no tenant nobody"),
        (("vital-platform", "new"), "whose rows everybody shares"),
        (("pharma", "digital-health"), "belongs to digital-health"),
        (("pharma", "Not A Slug"), "a slug has small letters"),
        (("pharma", "new", "--id", PHARMA), "belongs to pharma"),
        (("pharma", "new", "--without", "carts"), "no table carts"),
    ],
)
def test_what_cannot_be_meant_is_one_sentence(home: Scratch, manage: Manage, words: tuple[str, ...], why: str) -> None:
    refused = clone(manage, home, *words)

    assert refused.returncode == 2, said(refused)
    assert why in document(refused)["error"]


@pytest.mark.slow
def test_what_may_be_there_once_is_left_out_or_refuses_it(home: Scratch, manage: Manage) -> None:
    scratch = clone_with_grants(home)
    try:
        rows(scratch.admin_url, f"UPDATE knowledge_base SET pinecone_id = 'v-' || id WHERE tenant_id = '{PHARMA}'")
        rows(scratch.admin_url, "CREATE UNIQUE INDEX once ON agents (name)")
        before = content(scratch)

        refused = clone(manage, scratch, "pharma", "another")
        untouched = content(scratch)
        rows(scratch.admin_url, "DROP INDEX once")
        left_out = clone(manage, scratch, "pharma", "pharma-trial", "--id", NEW)

        assert left_out.returncode == 0, said(left_out)
        assert document(left_out)["emptied"] == {"knowledge_base": ["pinecone_id"]}
        assert scalar(scratch, f"SELECT count(pinecone_id) FROM knowledge_base WHERE tenant_id = '{NEW}'") == 0
        assert refused.returncode == 1, said(refused)
        assert "two agents may not have the same name" in document(refused)["error"]
        assert untouched == before
    finally:
        databases.drop(scratch)


@pytest.mark.slow
def test_persons_are_left_out_and_what_refers_to_them_is_empty(home: Scratch, manage: Manage) -> None:
    """A user is known elsewhere by the same id: two of them would be two persons."""
    scratch = clone_with_grants(home)
    try:
        ((user,),) = rows(scratch.admin_url, "SELECT id FROM users ORDER BY id LIMIT 1")
        rows(scratch.admin_url, "UPDATE users SET tenant_id = %s WHERE id = %s", [PHARMA, user])
        talk = "INSERT INTO conversations (tenant_id, user_id, title, mode) SELECT %s, %s, 'ours', mode FROM {} LIMIT 1"
        rows(scratch.admin_url, talk.format("conversations"), [PHARMA, user])
        written = "SELECT id FROM knowledge_sources WHERE tenant_id = %s ORDER BY id LIMIT 1"
        rows(scratch.admin_url, f"UPDATE knowledge_sources SET created_by = %s WHERE id = ({written})", [user, PHARMA])
        words = ("--without", "users")

        refused = clone(manage, scratch, "pharma", "with-persons")
        torn = clone(manage, scratch, "pharma", "without", *words)
        done = clone(manage, scratch, "pharma", "without", "--id", NEW, *words, "--without", "conversations")

        assert [one_of.returncode for one_of in (refused, torn)] == [1, 1], said(refused) + said(torn)
        assert "two users may not have the same id" in document(refused)["error"]
        assert "conversations may not be without user_id; leave them out too" in document(torn)["error"]
        assert done.returncode == 0, said(done)
        assert document(done)["emptied"]["knowledge_sources"] == ["created_by", "updated_by"]
        empty = "SELECT count(*) FROM knowledge_sources WHERE tenant_id = %s AND created_by = %s"
        assert scalar(scratch, empty, NEW, user) == 0 < scalar(scratch, empty, PHARMA, user)
        for table in ("users", "conversations"):
            assert scalar(scratch, f"SELECT count(*) FROM {table} WHERE tenant_id = %s", NEW) == 0
    finally:
        databases.drop(scratch)


@pytest.mark.slow
def test_numbers_of_a_sequence_are_new_ones_and_lead_to_the_same_rows(
    server_url: str, manage: Manage, tmp_path: Path
) -> None:
    """The tutorial's shop numbers its rows; its products replace each other, its shelves have UUIDs."""
    scratch = databases.create_empty(server_url)
    try:
        with psycopg.connect(scratch.owner_url) as connection:
            connection.execute((ROOT / "docs" / "tutorial" / "shop.sql").read_bytes())
            for table, column in (("stores", "name"), ("shelves", "label"), ("products", "sku")):
                connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT {table}_{column}_key".encode())
        plan = tmp_path / "plan.toml"
        for words in (("init-plan", "--out", str(plan)), ("run", "--plan", str(plan), "--yes")):
            done = manage(scratch, "migrate_tenants", *words)
            assert done.returncode == 0, said(done)
        story = """
            SELECT d.name, h.label, p.sku, q.sku, i.quantity, r.reason
            FROM departments d JOIN shelves h ON h.department_id = d.id JOIN products p ON p.shelf_id = h.id
            LEFT JOIN products q ON q.id = p.replaced_by JOIN order_items i ON i.product_id = p.id
            LEFT JOIN returns r ON r.order_item_id = i.id JOIN vital.registry t ON t.id = i.tenant_id
            WHERE t.slug = '{}'
            ORDER BY 1, 2, 3, 4, 5
        """
        before = rows(scratch.admin_url, story.format("berlin-mitte"))

        done = clone(manage, scratch, "berlin-mitte", "berlin-zwei", "--plan", str(plan))

        assert done.returncode == 0, said(done)
        assert (
            rows(scratch.admin_url, story.format("berlin-zwei"))
            == before
            == rows(scratch.admin_url, story.format("berlin-mitte"))
        )
        assert len(before) > 50
        stray = scalar(
            scratch,
            "SELECT count(*) FROM products p JOIN products q ON q.id = p.replaced_by WHERE p.tenant_id <> q.tenant_id",
        )
        assert stray == 0
        with psycopg.connect(scratch.owner_url) as connection:
            connection.execute("INSERT INTO till_log VALUES ('still numbers')")
    finally:
        databases.drop(scratch)
