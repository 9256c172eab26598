"""After every person is decided somebody registers, as the legacy application has it: no rule knows them, and nothing
refuses them. They are findings; a plan may ask for NOT NULL; what an earlier VITAL made NOT NULL is withdrawn."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.support import databases, plans, queries
from tests.support.cast import PHARMA
from tests.support.command_results import Manage, document, said
from tests.support.databases import Scratch, clone_with_grants
from tests.support.plans import SHIPPED

FOLLOWERS = ("users", "conversations", "messages")
SIGN_UP = """
    WITH login AS (INSERT INTO auth.users (id) VALUES (gen_random_uuid()) RETURNING id)
    INSERT INTO public.users (id, email) SELECT id, %s FROM login RETURNING id::text, tenant_id::text
"""
CONVERSATION = """
    INSERT INTO conversations SELECT (jsonb_populate_record(c, jsonb_build_object(
        'id', gen_random_uuid(), 'user_id', %s::text, 'tenant_id', NULL))).*
    FROM conversations AS c LIMIT 1 RETURNING id::text, tenant_id::text
"""
MESSAGE = """
    INSERT INTO messages SELECT (jsonb_populate_record(m, jsonb_build_object(
        'id', gen_random_uuid(), 'conversation_id', %s::text, 'tenant_id', NULL))).*
    FROM messages AS m LIMIT 1 RETURNING id::text, tenant_id::text
"""
REQUIRED = ("person_decides = true", "person_decides = true\nrequired = true")
NO_NEW_PERSON = "users: the tenant is NOT NULL"
CHECKED = "no new row of users without a tenant"


def run(manage: Manage, scratch: Scratch, *words: str) -> str:
    done = manage(scratch, "migrate_tenants", *words)
    assert done.returncode == 0, said(done)
    return said(done)


def is_nullable(scratch: Scratch, table: str) -> bool:
    return not queries.scalar(
        scratch,
        "SELECT attnotnull FROM pg_attribute WHERE attrelid = %s::regclass AND attname = 'tenant_id'",
        f"public.{table}",
    )


@pytest.fixture(scope="module")
def decided_template(migrated_template: Scratch, manage: Manage) -> Iterator[Scratch]:
    """Every person has a tenant, and so has everything that follows them."""
    scratch = clone_with_grants(migrated_template)
    queries.write_as_owner(scratch, "UPDATE users SET tenant_id = %s WHERE tenant_id IS NULL", PHARMA)
    run(manage, scratch, "--yes")
    for table in FOLLOWERS:
        assert queries.scalar(scratch, f"SELECT count(*) FROM {table} WHERE tenant_id IS NULL") == 0
    yield scratch
    databases.drop(scratch)


@pytest.fixture
def decided(decided_template: Scratch) -> Iterator[Scratch]:
    scratch = clone_with_grants(decided_template)
    yield scratch
    databases.drop(scratch)


@pytest.mark.slow
def test_who_registers_can_talk_at_once_is_a_finding_and_takes_everything_along_once_decided(
    decided: Scratch, manage: Manage
) -> None:
    ((person, none),) = queries.write_as_owner(decided, SIGN_UP, "new@example.org")
    ((conversation, nor),) = queries.write_as_owner(decided, CONVERSATION, person)
    ((message, still),) = queries.write_as_owner(decided, MESSAGE, conversation)
    assert (none, nor, still) == (None, None, None)

    validated = manage(decided, "migrate_tenants", "validate")
    assert validated.returncode == 0, "a new person is a WARN, not a FAIL: " + said(validated)
    assert document(manage(decided, "migrate_tenants", "status", "--json"))["next"] == "004_tenant_data"
    run(manage, decided, "--yes")
    found = databases.rows(decided.admin_url, "SELECT key FROM vital.finding WHERE severity = 'REVIEW'")
    assert {person, conversation, message} == {key for (key,) in found}
    assert "nothing was changed" in run(manage, decided, "--yes"), "they are findings, and a run has no more to do"

    queries.write_as_owner(decided, "UPDATE users SET tenant_id = %s WHERE id = %s", PHARMA, person)
    run(manage, decided, "--yes")
    assert queries.tenants_of(decided, "messages")[message] == PHARMA


def test_the_preview_says_which_new_rows_have_no_tenant_and_why(decided: Scratch, manage: Manage) -> None:
    preview = document(manage(decided, "migrate_tenants", "preview", "--json"))["tables"]
    told = {name: table["new_rows"] for name, table in preview.items() if table["new_rows"]}
    assert told == {
        "users": "no rule gives one its tenant",
        "conversations": "the row that it follows can be missing or have no tenant",
        "messages": "the row that it follows can be missing or have no tenant",
        "agent_tool_assignments": "the row that it follows can be missing or have no tenant",
    }
    assert "required = true" in run(manage, decided, "preview")


@pytest.mark.slow
def test_a_plan_may_ask_for_it_and_take_its_word_back(decided: Scratch, manage: Manage, tmp_path: Path) -> None:
    plan = str(plans.changed_plan(tmp_path, REQUIRED))
    run(manage, decided, "--plan", plan, "--yes")
    # Conversations are sure of their person now, and messages of their conversation.
    assert [is_nullable(decided, table) for table in FOLLOWERS] == [False] * 3
    with pytest.raises(psycopg.errors.NotNullViolation):
        queries.write_as_owner(decided, SIGN_UP, "refused@example.org")

    run(manage, decided, "--plan", str(SHIPPED), "--yes")
    assert [is_nullable(decided, table) for table in FOLLOWERS] == [True] * 3
    queries.write_as_owner(decided, SIGN_UP, "let-in@example.org")


def as_an_earlier_vital_left_it(scratch: Scratch) -> None:
    """NOT NULL on people, noted as the work of 006."""
    databases.rows(scratch.owner_url, "ALTER TABLE users ALTER tenant_id SET NOT NULL")
    for statement in (CHECKED, "no old row of users without a tenant", NO_NEW_PERSON):
        databases.rows(
            scratch.owner_url,
            "INSERT INTO vital.applied_statement (phase, statement, memo, relation, run_id)"
            " SELECT '006_row_level_security', %s, 'null', 'public.users', max(id) FROM vital.run",
            [statement],
        )


@pytest.mark.slow
def test_the_next_run_withdraws_what_an_earlier_one_refused(decided: Scratch, manage: Manage) -> None:
    before = databases.dump(decided.admin_url)
    as_an_earlier_vital_left_it(decided)
    assert not is_nullable(decided, "users")
    assert document(manage(decided, "migrate_tenants", "status", "--json"))["next"] == "006_row_level_security"

    run(manage, decided, "--yes")

    assert databases.dump(decided.admin_url) == before
    queries.write_as_owner(decided, SIGN_UP, "new@example.org")


@pytest.mark.slow
def test_a_column_that_was_not_null_before_vital_stays_so(decided: Scratch, manage: Manage) -> None:
    databases.rows(decided.owner_url, "ALTER TABLE users ALTER tenant_id SET NOT NULL")
    run(manage, decided, "--yes")
    assert not is_nullable(decided, "users")


@pytest.mark.slow
def test_the_undo_of_what_an_earlier_one_left_is_exact(
    decided: Scratch, migrated_template: Scratch, manage: Manage
) -> None:
    """Undone by this VITAL without a run in between, it is the same as undone without that NOT NULL."""
    other = clone_with_grants(decided)
    as_an_earlier_vital_left_it(decided)
    for scratch in (decided, other):
        run(manage, scratch, "undo", "--phase", "006", "--yes")
    dumps = [databases.dump(scratch.admin_url) for scratch in (decided, other)]
    databases.drop(other)
    assert dumps[0] == dumps[1]
