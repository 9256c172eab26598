"""`./manage.py migrate` adopts a legacy database unchanged; it creates legacy tables only where none exists."""

import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support import databases
from tests.support.databases import OWNER, Scratch

Manage = Callable[..., subprocess.CompletedProcess[str]]
TABLES = (
    *("tenants", "users", "tool_categories", "tools", "agents", "agent_tool_assignments", "prompts"),
    *("knowledge_domains", "knowledge_sources", "knowledge_base", "conversations", "messages"),
)


@pytest.fixture
def empty(server_url: str) -> Iterator[Scratch]:
    scratch = databases.create_empty(server_url)
    yield scratch
    databases.drop(scratch)


@pytest.fixture(scope="module")
def legacy(server_url: str, pack: Path) -> Iterator[Scratch]:
    scratch = databases.build_legacy(server_url, pack)
    yield scratch
    databases.drop(scratch)


@pytest.fixture(scope="module")
def baseline(server_url: str, manage: Manage) -> Iterator[Scratch]:
    scratch = databases.create_empty(server_url)
    migrate(manage, scratch)
    yield scratch
    databases.drop(scratch)


def migrate(manage: Manage, scratch: Scratch) -> None:
    done = manage(scratch.owner_url, "migrate")
    assert done.returncode == 0, done.stderr


def refused(manage: Manage, scratch: Scratch) -> str:
    """What `migrate` says when it ends with an error: something for people, and no table left behind."""
    done = manage(scratch.owner_url, "migrate")
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert tables_of(scratch) == set()
    return done.stderr


# The guide reads the progress of the migration from here; it is a view of VITAL's own on VITAL's own tables.
TRACKING = "migration_tracking"


def tables_of(scratch: Scratch) -> set[str]:
    """The tables and views of schema public."""
    query = "SELECT relname FROM pg_class WHERE relkind IN ('r', 'v') AND relnamespace = 'public'::regnamespace"
    return {name for (name,) in databases.rows(scratch.owner_url, query)} - {TRACKING}


def dumps(scratch: Scratch) -> tuple[str, str]:
    """What the database held before VITAL came, whole: DDL, rows, owners, privileges."""
    public = databases.dump(scratch.owner_url, f"--exclude-table=public.{TRACKING}")
    return public, databases.dump(scratch.owner_url, schema="auth")


# --- a database that has the tables ---


def test_adopting_leaves_every_table_as_it_was(legacy: Scratch, manage: Manage) -> None:
    before = dumps(legacy)

    migrate(manage, legacy)

    assert dumps(legacy) == before


@pytest.mark.slow
def test_migrating_twice_changes_nothing(baseline: Scratch, manage: Manage) -> None:
    before = dumps(baseline), databases.dump(baseline.owner_url, schema="vital")

    migrate(manage, baseline)

    assert (dumps(baseline), databases.dump(baseline.owner_url, schema="vital")) == before


@pytest.mark.slow
@pytest.mark.parametrize("statement", ["CREATE TABLE tools (id uuid)", "CREATE VIEW users AS SELECT 1 AS id"])
def test_a_database_with_some_of_the_tables_gets_no_other(empty: Scratch, manage: Manage, statement: str) -> None:
    databases.rows(empty.owner_url, statement)
    before = databases.dump(empty.owner_url)

    migrate(manage, empty)

    assert databases.dump(empty.owner_url, f"--exclude-table=public.{TRACKING}") == before
    assert databases.rows(empty.owner_url, "SELECT to_regnamespace('auth')") == [(None,)]


# --- a database that has none of them ---


COLUMNS = r"""
SELECT table_name, ordinal_position, column_name, data_type, udt_schema, udt_name, character_maximum_length,
       numeric_precision, numeric_scale, is_nullable,
       regexp_replace(column_default, '(public\.)?uuid_generate_v4', 'gen_random_uuid')
  FROM information_schema.columns
 WHERE table_schema = 'public'
"""
SAME = {
    "constraints": """
        SELECT conrelid::regclass::text, contype, pg_get_constraintdef(oid) FROM pg_constraint
         WHERE connamespace = 'public'::regnamespace AND contype <> 'n'""",
    "triggers": """
        SELECT tgrelid::regclass::text, tgenabled, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal""",
    "indexes": "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "policies": """
        SELECT tablename, permissive, roles::text, cmd, qual, with_check FROM pg_policies
         WHERE schemaname = 'public'""",
    "row security": """
        SELECT relname, relrowsecurity, relforcerowsecurity, pg_get_userbyid(relowner) FROM pg_class
         WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace""",
    "enums": "SELECT t.typname, e.enumsortorder, e.enumlabel FROM pg_enum e JOIN pg_type t ON t.oid = e.enumtypid",
    "auth functions": """
        SELECT proname, prorettype::regtype::text, provolatile FROM pg_proc
         WHERE pronamespace = 'auth'::regnamespace""",
}
# The reference builder leaves this check out, the pack's README has it.
LEFT_OUT = """
    SELECT conrelid::regclass::text, contype, pg_get_constraintdef(oid) FROM pg_constraint
     WHERE conname = 'messages_tokens_positive'
"""


@pytest.mark.parametrize("query", SAME.values(), ids=SAME.keys())
def test_the_baseline_is_the_legacy_schema(baseline: Scratch, legacy: Scratch, query: str) -> None:
    assert facts(baseline, query) - facts(baseline, LEFT_OUT) == facts(legacy, query)


def test_the_baseline_has_the_legacy_columns(baseline: Scratch, legacy: Scratch) -> None:
    """Type, order, default and nullability of each; `embedding` is there only where its type is."""
    ours = sorted(row for row in databases.rows(baseline.owner_url, COLUMNS) if row[2] != "embedding")
    theirs = sorted(databases.rows(legacy.owner_url, COLUMNS))
    assert without_positions(ours) == without_positions(theirs)


def test_the_baseline_uses_the_names_of_the_readme(baseline: Scratch, real_pack: Path) -> None:
    readme = (real_pack / "README.md").read_text(encoding="utf-8")
    checks = facts(
        baseline, "SELECT conname FROM pg_constraint WHERE contype = 'c' AND connamespace = 'public'::regnamespace"
    )
    policies = facts(baseline, "SELECT policyname FROM pg_policies WHERE schemaname = 'public'")

    assert checks == {(name,) for name in re.findall(r"^- Check `(\w+)`", readme, re.MULTILINE)}
    security = " ".join(re.findall(r"^- Row security: on\..*", readme, re.MULTILINE))
    assert policies == {(name,) for name in re.findall(r'"([^"]+)"', security)}


def test_the_baseline_is_empty_and_belongs_to_who_made_it(baseline: Scratch) -> None:
    assert tables_of(baseline) == set(TABLES)
    for table in TABLES:
        assert databases.rows(baseline.owner_url, f"SELECT count(*) FROM public.{table}") == [(0,)]


def test_a_schema_auth_that_exists_stays_as_it_is(empty: Scratch, manage: Manage) -> None:
    for statement in (
        "CREATE SCHEMA auth",
        "CREATE TABLE auth.users (id uuid PRIMARY KEY, email text, phone text)",
        "CREATE FUNCTION auth.role() RETURNS text LANGUAGE sql AS 'SELECT NULL::text'",
    ):
        databases.rows(empty.owner_url, statement)
    before = databases.dump(empty.owner_url, schema="auth")

    migrate(manage, empty)

    assert databases.dump(empty.owner_url, schema="auth") == before
    assert tables_of(empty) == set(TABLES)


AGENT_COLUMNS = "SELECT attname FROM pg_attribute WHERE attrelid = 'public.agents'::regclass AND attnum > 0"


def test_agents_have_an_embedding_where_its_type_is_installed(empty: Scratch, manage: Manage) -> None:
    if not databases.rows(empty.admin_url, "SELECT 1 FROM pg_available_extensions WHERE name = 'vector'"):
        pytest.skip("this server has no pgvector")
    databases.rows(empty.admin_url, "CREATE SCHEMA extensions")
    databases.rows(empty.admin_url, f"GRANT USAGE ON SCHEMA extensions TO {OWNER}")
    databases.rows(empty.admin_url, "CREATE EXTENSION vector SCHEMA extensions")

    migrate(manage, empty)

    columns = databases.rows(empty.owner_url, f"{AGENT_COLUMNS} ORDER BY attnum")
    assert columns[columns.index(("priority",)) + 1] == ("embedding",)
    [(index,)] = databases.rows(empty.owner_url, "SELECT pg_get_indexdef('public.idx_agents_embedding'::regclass)")
    assert index.endswith("USING ivfflat (embedding extensions.vector_cosine_ops) WITH (lists='100')")


# --- a database that does not let us ---


def test_it_says_what_is_in_the_way(empty: Scratch, manage: Manage) -> None:
    databases.rows(empty.owner_url, "CREATE TYPE agent_tier AS ENUM ('one')")

    message = refused(manage, empty)

    assert 'type "agent_tier" already exists' in message
    assert "Drop or rename" in message
    assert databases.rows(empty.owner_url, "SELECT to_regnamespace('auth')") == [(None,)]


def test_it_says_which_privilege_is_missing(empty: Scratch, manage: Manage) -> None:
    """The role may use a schema `vital` that was made for it, and nothing else."""
    databases.rows(empty.admin_url, f'ALTER DATABASE "{empty.name}" OWNER TO CURRENT_USER')
    databases.rows(empty.admin_url, f"CREATE SCHEMA vital AUTHORIZATION {OWNER}")

    message = refused(manage, empty)

    assert "permission denied for database" in message
    assert "grant CREATE" in message


def facts(scratch: Scratch, query: str) -> set[tuple[object, ...]]:
    return set(databases.rows(scratch.owner_url, query))


def without_positions(columns: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
    """In the order of the positions, which have a gap where `embedding` was left out."""
    return [(table, *rest) for table, _, *rest in columns]
