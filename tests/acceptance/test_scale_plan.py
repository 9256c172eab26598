"""What scaling out would take: said as the catalogue has it, tried on empty copies; asking changes nothing."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.conftest import PHARMA, Manage
from tests.support import databases
from tests.support.acting import as_tenant, whole_clone
from tests.support.databases import Scratch, rows
from tests.support.looking import Done, document, one, said

TOO_WIDE = """
    SELECT c.relname::text, x.relname::text
    FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indrelid JOIN pg_class AS x ON x.oid = i.indexrelid
    JOIN pg_attribute AS t ON t.attrelid = c.oid AND t.attname = 'tenant_id'
    WHERE c.relnamespace = 'public'::regnamespace AND i.indisunique AND NOT t.attnum = ANY(i.indkey::smallint[])
"""
WITH_TENANT = "SELECT attrelid::regclass::text FROM pg_attribute WHERE attname = 'tenant_id' AND attrelid IN {tables}"
TABLES = "(SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r')"
CONTENT = "SELECT tenant_id, count(*), sum(hashtextextended(to_jsonb(t)::text, 0)) FROM {} AS t GROUP BY 1 ORDER BY 1"


def plan(manage: Manage, scratch: Scratch, *words: str) -> tuple[int, dict[str, Any]]:
    done = manage(scratch, "scale_plan", *words, "--json")
    assert done.returncode in (0, 1), said(done)
    return done.returncode, document(done)


def test_keys_and_kinds_are_those_of_the_catalogue(migrated_template: Scratch, manage: Manage) -> None:
    before = databases.dump(migrated_template.admin_url)

    code, found = plan(manage, migrated_template)

    assert {(key["table"], key["key"]) for key in found["keys"]} == set(rows(migrated_template.admin_url, TOO_WIDE))
    distributed = {one["table"] for one in found["tables"] if one["kind"] == "distributed"}
    own = {name for (name,) in rows(migrated_template.admin_url, WITH_TENANT.format(tables=TABLES))}
    assert distributed == own
    assert {one["table"] for one in found["tables"] if one["kind"] == "reference"} == {"tenants", "tool_categories"}
    assert code == 1, "something is to be decided"
    assert databases.dump(migrated_template.admin_url) == before
    assert one(migrated_template, "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'vital_scale%%'") == 0


def test_what_a_key_with_the_tenant_cannot_say_is_counted(migrated_template: Scratch, manage: Manage) -> None:
    both = "agent_tool_assignments a JOIN tools t ON t.id = a.tool_id"
    across = one(migrated_template, f"SELECT count(*) FROM {both} WHERE a.tenant_id <> t.tenant_id")
    nobodys = one(migrated_template, "SELECT count(*) FROM messages WHERE tenant_id IS NULL")

    _, found = plan(manage, migrated_template)

    decide = "\n".join(found["decide"])
    assert (
        f"{across:,} rows refer to another tenant's, the Platform's, by agent_tool_assignments (tool_id) → tools"
        in decide
    )
    assert f"{nobodys:,} rows of messages have no tenant" in decide
    added = [text for text in found["statements"] if "ADD CONSTRAINT" in text and "FOREIGN KEY" in text]
    assert not [text for text in added if "tool_id_fkey" in text], "it would not hold over the rows"
    assert [
        text for text in added if "messages_conversation_id_fkey" in text and '("tenant_id", "conversation_id")' in text
    ]


def test_every_statement_that_a_plain_server_knows_holds_on_empty_copies(
    migrated_template: Scratch, manage: Manage
) -> None:
    for words in ((), ("--to", "partitions", "--least", "1")):
        _, found = plan(manage, migrated_template, *words)
        of_citus = [text for text in found["statements"] if text.startswith("SELECT create_")]
        assert found["trial"] == {
            "tried": len(found["statements"]) - len(of_citus),
            "not_tried": len(of_citus),
            "failed": None,
        }
        assert found["trial"]["tried"] > 30
        assert bool(of_citus) == (not words)


def test_what_a_server_cannot_do_is_shown_with_its_word(migrated: Scratch, manage: Manage) -> None:
    """A constraint of exclusion is unique by another name; partitioned tables have had them since 17."""
    rows(migrated.admin_url, "ALTER TABLE prompts ADD CONSTRAINT once EXCLUDE USING btree (id WITH =, name WITH =)")
    too_old = one(migrated, "SELECT current_setting('server_version_num')::int < 170000")

    _, spread = plan(manage, migrated)
    code, parted = plan(manage, migrated, "--to", "partitions", "--least", "1000")

    after = next(key["after"] for key in spread["keys"] if key["key"] == "once")
    assert after == "EXCLUDE USING btree (tenant_id WITH =, id WITH =, name WITH =)"
    assert spread["trial"]["failed"] is None
    if too_old:
        assert code == 1
        assert "exclusion constraints are not supported on partitioned tables" in parted["trial"]["failed"]["why"]
        assert "once" in parted["trial"]["failed"]["statement"]
    else:
        assert parted["trial"]["failed"] is None


@pytest.fixture
def copy(migrated_template: Scratch) -> Iterator[Scratch]:
    scratch = whole_clone(migrated_template)
    yield scratch
    databases.drop(scratch)


def test_partitions_are_made_for_real_and_the_fence_comes_back(copy: Scratch, manage: Manage, tmp_path: Path) -> None:
    tables = ("prompts", "knowledge_base", "agent_tool_assignments")
    before = {table: rows(copy.admin_url, CONTENT.format(table)) for table in tables}
    file = tmp_path / "scale.sql"

    done = manage(copy, "scale_plan", "--to", "partitions", "--least", "1000", "--output", str(file))

    assert done.returncode == 0, said(done)
    with psycopg.connect(copy.owner_url, autocommit=True) as owner:
        owner.execute(file.read_bytes())
    assert {table: rows(copy.admin_url, CONTENT.format(table)) for table in tables} == before
    kinds = (
        "SELECT relname::text FROM pg_class WHERE relkind = 'p' AND relnamespace = 'public'::regnamespace ORDER BY 1"
    )
    assert rows(copy.admin_url, kinds) == [(table,) for table in sorted(tables)]
    assert one(copy, "SELECT count(*) FROM knowledge_base_pharma") == one(
        copy, "SELECT count(*) FROM knowledge_base WHERE tenant_id = %s", PHARMA
    )
    for table in tables:
        rows(copy.admin_url, f"DROP TABLE {table}_before")
    for words in (("migrate_tenants", "validate"), ("prove_isolation",), ("check", "--deploy")):
        done = manage(copy, *words)
        assert done.returncode == 0, said(done)
    with as_tenant(copy, PHARMA) as pharma:
        seen = pharma.rows("SELECT count(*) FROM knowledge_base WHERE tenant_id = %s", PHARMA)
    assert seen == [(one(copy, "SELECT count(*) FROM knowledge_base_pharma"),)]


def test_a_file_that_is_there_is_left_alone(migrated_template: Scratch, manage: Manage, tmp_path: Path) -> None:
    file = tmp_path / "scale.sql"
    file.write_text("mine")

    done = manage(migrated_template, "scale_plan", "--output", str(file))

    assert (done.returncode, file.read_text()) == (2, "mine"), said(done)
    assert "is there already" in done.stderr


def test_before_the_migration_there_is_nothing_to_scale_by(legacy: Scratch, manage: Manage) -> None:
    done: Done = manage(legacy, "scale_plan", "--json")

    assert done.returncode == 2, said(done)
    assert "carry the migration out first" in document(done)["error"]


@pytest.mark.parametrize("words", [("--to", "mars"), ("--least", "many")])
def test_what_cannot_be_meant(migrated_template: Scratch, manage: Manage, words: tuple[str, ...]) -> None:
    done = manage(migrated_template, "scale_plan", *words)

    assert (done.returncode, done.stdout) == (2, ""), said(done)
