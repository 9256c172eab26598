"""Columns, keys and neighbours with odd names and odd types on the legacy tables disturb neither run nor undo."""

import subprocess
from collections.abc import Callable
from contextlib import suppress

import psycopg
import pytest

from tests.support.cast import PLATFORM
from tests.support.command_results import said
from tests.support.database_state import dump_platform
from tests.support.databases import Scratch, rows
from tests.support.queries import scalar

pytestmark = pytest.mark.server

Manage = Callable[..., "subprocess.CompletedProcess[str]"]

ODD = (
    "CREATE TYPE \"Mood 100%\" AS ENUM ('good', 'it''s {so}', '%s')",
    'CREATE TYPE "A {pair}" AS (x integer, "y %" json)',
    'CREATE DOMAIN "Short text" AS text CHECK (length(VALUE) < 100)',
    "CREATE DOMAIN some_json AS json",
    "CREATE DOMAIN never_null AS boolean NOT NULL",
    # Every column has a value in every row; PostgreSQL has no hash function for most of these types.
    """ALTER TABLE tools
        ADD "UPPER" integer DEFAULT 1,
        ADD "with ""quotes"" and 100%s {braces}" text DEFAULT 'x % {y} ''z''',
        ADD "select" json DEFAULT '{"a": [1, 2]}',
        ADD a_point point DEFAULT '(1,2)',
        ADD a_box box DEFAULT '((1,2),(3,4))',
        ADD a_range int4range DEFAULT '[1,5)',
        ADD a_multirange int4multirange DEFAULT '{[1,5)}',
        ADD some_bits bit varying(9) DEFAULT '10101',
        ADD some_bytes bytea DEFAULT '\\x00ff',
        ADD some_money money DEFAULT 12.5,
        ADD a_vector tsvector DEFAULT 'a b c',
        ADD embedding double precision[] DEFAULT '{0.1,0.2}',
        ADD moods "Mood 100%"[] DEFAULT ARRAY['good', '%s']::"Mood 100%"[],
        ADD pairs "A {pair}"[] DEFAULT ARRAY[ROW(1, '{}')::"A {pair}"],
        ADD pair "A {pair}" DEFAULT ROW(1, '{}')::"A {pair}",
        ADD jsons json[] DEFAULT ARRAY['{}'::json],
        ADD short "Short text" DEFAULT 's',
        ADD shorts "Short text"[] DEFAULT ARRAY['s']::"Short text"[],
        ADD wrapped some_json DEFAULT '{"b": 1}',
        ADD a_path path DEFAULT '((1,2),(3,4))',
        ADD a_function regprocedure DEFAULT 'lower(text)',
        ADD sure never_null DEFAULT true,
        ADD a_lsn pg_lsn DEFAULT '0/16B3748',
        ADD shouted text GENERATED ALWAYS AS (upper(name)) STORED""",
    "ALTER TABLE tools ADD gone integer DEFAULT 7",
    "ALTER TABLE tools DROP COLUMN gone",
    'ALTER TABLE tools RENAME CONSTRAINT tools_tool_key_key TO "Key {of} 100% ""tools"""',
    "ALTER TABLE prompts DROP CONSTRAINT prompts_name_key",
    'CREATE UNIQUE INDEX "Unique 100%s {name}" ON prompts (name)',
    # A key to the tenants that spares old rows.
    "ALTER TABLE knowledge_sources DROP CONSTRAINT IF EXISTS knowledge_sources_tenant_id_fkey",
    """ALTER TABLE knowledge_sources ADD CONSTRAINT knowledge_sources_tenant_id_fkey
        FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE SET NULL NOT VALID""",
    "COMMENT ON CONSTRAINT knowledge_sources_tenant_id_fkey ON knowledge_sources IS 'of old, 100%'",
    'CREATE SCHEMA "Other 100% {schema}"',
    'CREATE TABLE "Other 100% {schema}"."Tool\'s notes" ("the tool" uuid REFERENCES public.tools (id), note text)',
    'INSERT INTO "Other 100% {schema}"."Tool\'s notes" SELECT id, \'a note\' FROM public.tools',
    'CREATE VIEW "View 100%" AS SELECT id, name FROM tools',
    'CREATE INDEX "Index 100%s {x}" ON tools (lower(name)) WHERE is_active',
    "ALTER TABLE agents ADD CONSTRAINT \"Check 100%s {x}\" CHECK (name <> '100%s {x}')",
)
WHERE_POSSIBLE = {
    # Not where the server was built without libxml, nor before version 18.
    "ALTER TABLE tools ADD an_xml xml DEFAULT '<a>1</a>'": psycopg.errors.FeatureNotSupported,
    "ALTER TABLE tools ADD whispered text GENERATED ALWAYS AS (lower(name)) VIRTUAL": psycopg.errors.SyntaxError,
}
NEW_TOOL = """
INSERT INTO tools (tool_key, name, description, tool_type)
SELECT 'written meanwhile', name, description, tool_type FROM tools LIMIT 1
RETURNING tenant_id::text
"""


@pytest.fixture
def odd(legacy: Scratch) -> Scratch:
    for statement in ODD:
        rows(legacy.owner_url, statement)
    for statement, impossible in WHERE_POSSIBLE.items():
        with suppress(impossible):
            rows(legacy.owner_url, statement)
    return legacy


@pytest.mark.slow
def test_a_run_and_its_undo(odd: Scratch, manage: Manage) -> None:
    before = dump_platform(odd)

    done = manage(odd, "migrate_tenants", "--yes")

    assert done.returncode == 0, said(done)
    assert scalar(odd, "SELECT count(*) FROM tools WHERE tenant_id IS NULL") == 0
    assert scalar(odd, "SELECT count(*) FROM pg_index WHERE indrelid = 'tools'::regclass AND NOT indisvalid") == 0
    assert rows(odd.owner_url, NEW_TOOL) == [(PLATFORM,)]
    rows(odd.owner_url, "DELETE FROM tools WHERE tool_key = 'written meanwhile'")
    again = manage(odd, "migrate_tenants", "--yes")
    assert "Nothing to do" in again.stdout, said(again)

    undone = manage(odd, "migrate_tenants", "undo", "--yes")

    assert undone.returncode == 0, said(undone)
    assert "kept as they are" not in undone.stdout
    assert dump_platform(odd) == before
