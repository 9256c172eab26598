"""A plan with a way over a table that has no tenant, and with an expression of its own: backfill, trigger and fence
agree; an expression that is an error for a row is none of the application's; a plan that does not fit is refused."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import databases
from tests.support.cast import PHARMA
from tests.support.command_results import Manage, document, said
from tests.support.database_state import unchanged
from tests.support.databases import Scratch, rows
from tests.support.plans import SHIPPED
from tests.support.queries import scalar

THREADS = (
    "CREATE TABLE threads (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), conversation_id uuid NOT NULL)",
    "INSERT INTO threads (conversation_id) SELECT id FROM conversations",
    "ALTER TABLE messages ADD thread_id uuid",
    "UPDATE messages AS m SET thread_id = t.id FROM threads AS t WHERE t.conversation_id = m.conversation_id",
    "ALTER TABLE threads ENABLE ROW LEVEL SECURITY",  # without a policy: nobody but the owner sees a row
)
WAY = """parent = { path = [
    { column = "thread_id", table = "public.threads" },
    { column = "conversation_id", table = "public.conversations" },
] }"""
BIG = """[[table.rule]]
name = "big prompts"
phase = "004_tenant_data"
when = { sql = "(metadata ->> 'size')::int > 5" }
tenant = "pharma"

[[table.rule]]
name = "PRISM prompts"""
LATE_MESSAGE = """
INSERT INTO messages
SELECT (jsonb_populate_record(m, jsonb_build_object('id', gen_random_uuid(), 'tenant_id', NULL))).*
FROM messages AS m JOIN conversations AS c ON c.id = m.conversation_id WHERE c.tenant_id IS NOT NULL LIMIT 1
RETURNING tenant_id = (SELECT c.tenant_id FROM conversations AS c WHERE c.id = conversation_id)
"""
LATE_PROMPT = """
INSERT INTO prompts
SELECT (jsonb_populate_record(p, jsonb_build_object('id', gen_random_uuid(), 'tenant_id', NULL, 'name', %s::text,
    'unique_id', %s::text, 'domain', 'general', 'metadata', jsonb_build_object('size', %s::text)))).*
FROM prompts AS p WHERE created_by IS NOT NULL LIMIT 1
RETURNING tenant_id::text
"""
ASTRAY = "SELECT count(*) FROM messages AS m JOIN conversations AS c ON c.id = m.conversation_id WHERE m.tenant_id "
BY_TENANT = "SELECT t.slug, count(*) FROM {table} JOIN tenants AS t ON t.id = tenant_id GROUP BY 1"
READS = """
SELECT has_table_privilege('vital_operator', 'threads', 'SELECT'),
       has_table_privilege('vital_tenant', 'threads', 'SELECT'),
       EXISTS (SELECT FROM pg_policy WHERE polrelid = 'threads'::regclass)
"""


@pytest.fixture(scope="module")
def platform(legacy_template: Scratch) -> Iterator[Scratch]:
    scratch = databases.clone(legacy_template)
    for statement in THREADS:
        rows(scratch.owner_url, statement)
    yield scratch
    databases.drop(scratch)


@pytest.fixture
def wrong(plan: Path, tmp_path: Path) -> Path:
    """The plan with an expression that says something else every time."""
    file = tmp_path / "wrong.toml"
    file.write_text(plan.read_text().replace("'size')::int", "'size')::int + random()"))
    return file


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    text = SHIPPED.read_text(encoding="utf-8")
    parent = 'parent = { column = "conversation_id", table = "public.conversations", key = "id" }'
    declared = 'columns = { conversation_id = "uuid" }'
    for old, new in ((parent, WAY), (declared, ""), ('[[table.rule]]\nname = "PRISM prompts', BIG)):
        assert text.count(old) == 1
        text = text.replace(old, new)
    file = tmp_path_factory.mktemp("plan") / "own.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_plan_that_does_not_fit_changes_nothing(platform: Scratch, wrong: Path, manage: Manage) -> None:
    with unchanged(platform):
        done = manage(platform, "migrate_tenants", "--yes", "--plan", str(wrong))

    assert done.returncode == 1, said(done)
    assert "prompts: rule 3 ('big prompts'), line " in done.stdout
    assert "functions in index predicate must be marked IMMUTABLE" in done.stdout
    assert "001_schema_fixes" not in done.stdout


@pytest.mark.slow
def test_backfill_trigger_and_fence_agree(platform: Scratch, plan: Path, wrong: Path, manage: Manage) -> None:
    foreseen = document(manage(platform, "migrate_tenants", "preview", "--json", "--plan", str(plan)))["tables"]

    done = manage(platform, "migrate_tenants", "--yes", "--to", "004", "--plan", str(plan))

    for table in ("messages", "prompts"):
        assert dict(rows(platform.admin_url, BY_TENANT.format(table=table))) == foreseen[table]["tenants"]
    assert done.returncode == 0, said(done)
    assert scalar(platform, f"{ASTRAY} IS DISTINCT FROM c.tenant_id") == 0
    assert scalar(platform, f"{ASTRAY} = c.tenant_id") > 10
    edited = manage(platform, "migrate_tenants", "--yes", "--only", "004", "--plan", str(wrong))
    assert edited.returncode == 1, said(edited)
    assert "prompts: rule 3 ('big prompts'), line " in edited.stdout
    assert rows(platform.owner_url, LATE_MESSAGE) == [(True,)]
    assert rows(platform.owner_url, LATE_PROMPT, ["big", "big", "6"]) == [(PHARMA,)]
    assert rows(platform.owner_url, LATE_PROMPT, ["odd", "odd", "many"]) == [(None,)], "the row is written all the same"
    rows(platform.owner_url, "DELETE FROM prompts WHERE name = 'odd'")

    closed = manage(platform, "migrate_tenants", "--yes", "--plan", str(plan))
    assert closed.returncode == 0, said(closed)
    assert rows(platform.admin_url, READS) == [(True, False, True)]
    again = manage(platform, "migrate_tenants", "--yes", "--plan", str(plan))
    assert "Nothing to do" in again.stdout, said(again)

    opened = manage(platform, "migrate_tenants", "undo", "--phase", "006", "--yes", "--plan", str(plan))
    assert opened.returncode == 0, said(opened)
    assert scalar(platform, "SELECT count(*) FROM pg_policy WHERE polrelid = 'threads'::regclass") == 0
