"""Row level security, tried with real statements: as the owner, each tenant, a stranger, and without a tenant."""

from collections.abc import Iterator

import pytest

from tests.support import databases, queries
from tests.support.cast import DIGITAL_HEALTH, PHARMA, PLATFORM, STRANGER
from tests.support.command_results import Manage, document
from tests.support.databases import OWNER, Scratch
from tests.support.queries import TABLES
from tests.support.tenant_role import TenantSession, as_tenant

pytestmark = pytest.mark.server

ORGANISATION = ("business_functions", "org_departments", "organizational_levels")
PRIVATE = ("users", "conversations", "messages")
SHARED = tuple(table for table in TABLES if table not in PRIVATE)
CAST = {"platform": PLATFORM, "digital health": DIGITAL_HEALTH, "pharma": PHARMA, "stranger": STRANGER, "nobody": None}
NO_PRIVILEGE, BROKEN_REFERENCE, TAKEN = "42501", "23503", "23505"


@pytest.fixture(scope="module")
def fenced(migrated_template: Scratch) -> Iterator[Scratch]:
    """A migrated database in which each customer has people, conversations and messages of its own."""
    scratch = databases.clone(migrated_template)
    for number, tenant in enumerate((DIGITAL_HEALTH, PHARMA)):
        for statement in (
            "UPDATE users SET tenant_id = %(tenant)s WHERE id IN"
            f" (SELECT id FROM users WHERE tenant_id IS NULL ORDER BY id LIMIT {5 - number})",
            "UPDATE conversations SET title = title WHERE tenant_id IS NULL",  # the trigger lets them follow
            "UPDATE messages SET content = content WHERE tenant_id IS NULL",
        ):
            databases.rows(scratch.owner_url, statement, {"tenant": tenant})
    yield scratch
    databases.drop(scratch)


@pytest.fixture(params=CAST)
def actor(request: pytest.FixtureRequest, fenced: Scratch) -> Iterator[tuple[TenantSession, str | None]]:
    tenant = CAST[request.param]
    with as_tenant(fenced, tenant) as being:
        yield being, tenant


def owned(scratch: Scratch, table: str) -> dict[str | None, int]:
    """Rows per tenant, seen by the superuser."""
    return dict(databases.rows(scratch.admin_url, f"SELECT tenant_id::text, count(*) FROM {table} GROUP BY 1"))


# --- as whom all this ran ---


def test_the_owner_is_no_superuser_and_bypasses_nothing(migrated_template: Scratch, manage: Manage) -> None:
    role = "SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = %s"
    assert databases.rows(migrated_template.admin_url, role, [OWNER]) == [(False, False)]
    assert queries.write_as_owner(migrated_template, "SELECT session_user, current_user") == [(OWNER, OWNER)]
    assert document(manage(migrated_template, "migrate_tenants", "status", "--json"))["user"] == OWNER
    owners = "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname IN ('public', 'vital')"
    assert databases.rows(migrated_template.admin_url, owners) == [(OWNER,)]


def test_the_roles_of_the_fence_can_do_nothing_by_themselves(migrated_template: Scratch) -> None:
    found = databases.rows(
        migrated_template.admin_url,
        "SELECT rolname, rolcanlogin OR rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication"
        " FROM pg_roles WHERE rolname IN ('vital_tenant', 'vital_operator') ORDER BY 1",
    )
    assert found == [("vital_operator", False), ("vital_tenant", False)]
    bound = "SELECT pg_has_role(%s, 'vital_tenant', 'USAGE')"
    assert queries.scalar(migrated_template, bound, OWNER) is False, "the owner would be bound by the tenants' policies"


def test_the_owner_sees_what_it_saw_before(fenced: Scratch) -> None:
    for table in (*TABLES, *ORGANISATION, "tenants", "tool_categories"):
        count = f"SELECT count(*) FROM {table}"
        assert queries.write_as_owner(fenced, count) == databases.rows(fenced.admin_url, count), table


# --- reading ---


def test_everybody_sees_their_own_and_what_the_platform_shares(
    actor: tuple[TenantSession, str | None], fenced: Scratch
) -> None:
    being, tenant = actor
    for table in (*SHARED, *ORGANISATION, *PRIVATE):
        visible = {tenant} if table in PRIVATE else {tenant, PLATFORM}
        wanted = {owner: rows for owner, rows in owned(fenced, table).items() if owner in visible - {None}}
        shown = dict(being.rows(f"SELECT tenant_id::text, count(*) FROM {table} GROUP BY 1"))
        assert shown == wanted, table
    assert {key for (key,) in being.rows("SELECT id::text FROM tenants")} == {tenant} - {None, STRANGER}
    assert being.rows("SELECT count(*) FROM tool_categories") == [(57,)]


def test_there_was_something_to_hide(fenced: Scratch) -> None:
    """The tests here compare with something: every customer has rows in every table that can hide them."""
    for table in ("agents", "prompts", "knowledge_sources", "knowledge_base", "agent_tool_assignments", *PRIVATE):
        counts = owned(fenced, table)
        assert min(counts.get(DIGITAL_HEALTH, 0), counts.get(PHARMA, 0)) > 0, (table, counts)


def test_what_is_not_for_tenants_is_closed_to_them(actor: tuple[TenantSession, str | None]) -> None:
    being, _ = actor
    for statement in (
        "SELECT FROM vital.ledger",
        "SELECT FROM vital.tenant",
        "SELECT FROM migration_tracking",
        "SELECT FROM auth.users",
        "TRUNCATE messages",
        "ALTER TABLE tools DISABLE ROW LEVEL SECURITY",
        "CREATE TABLE public.mine (id integer)",
        "UPDATE tool_categories SET name = name",
        "UPDATE tenants SET name = 'mine'",
        "DELETE FROM tenants",
        "INSERT INTO tenants (name, slug) VALUES ('mine', 'mine')",
        "SELECT vital.late_writer_of_public_tools()",
    ):
        assert being.refusal(statement) == NO_PRIVILEGE, statement


# --- writing ---


def test_nobody_hits_a_row_that_is_not_theirs(actor: tuple[TenantSession, str | None], fenced: Scratch) -> None:
    being, tenant = actor
    for table in (*SHARED, *ORGANISATION, *PRIVATE):
        mine = owned(fenced, table).get(tenant, 0) if tenant else 0
        assert being.touched(f"UPDATE {table} SET tenant_id = tenant_id") == mine, table
        assert being.touched(f"UPDATE {table} SET id = id WHERE tenant_id IS DISTINCT FROM %s", tenant) == 0, table
        assert being.touched(f"DELETE FROM {table} WHERE tenant_id IS DISTINCT FROM %s", tenant) == 0, table


@pytest.mark.parametrize("other", [PLATFORM, PHARMA, None], ids=["the platform", "another customer", "nobody"])
def test_no_row_can_be_given_away(fenced: Scratch, other: str | None) -> None:
    with as_tenant(fenced, DIGITAL_HEALTH) as being:
        for table in (*PRIVATE, "prompts", "knowledge_base"):
            given = being.refusal(f"UPDATE {table} SET tenant_id = %s", other)
            # Without a tenant the row gets the one of the rules, which may well be its own again.
            assert given in ({NO_PRIVILEGE, BROKEN_REFERENCE} if other else {NO_PRIVILEGE, ""}), table
            assert being.rows(f"SELECT DISTINCT tenant_id::text FROM {table} WHERE tenant_id <> %s", PLATFORM) == [
                (DIGITAL_HEALTH,)
            ]


CHUNK = """
    INSERT INTO knowledge_base (chunk_index, content, content_hash, domain, source_id, tenant_id)
    VALUES (1, 'c', 'h', 'wearables', %s, %s)
"""


@pytest.mark.parametrize("tenant", [DIGITAL_HEALTH, PHARMA, STRANGER])
def test_a_row_is_written_for_oneself_only(fenced: Scratch, tenant: str) -> None:
    with as_tenant(fenced, tenant) as being:
        for owner in {PLATFORM, DIGITAL_HEALTH, PHARMA, STRANGER} - {tenant}:
            assert being.refusal(CHUNK, None, owner) == NO_PRIVILEGE, owner
        # A row without a tenant gets the one of the rules: here Digital Health, whoever writes it.
        assert being.refusal(CHUNK, None, None) == ("" if tenant == DIGITAL_HEALTH else NO_PRIVILEGE)
        assert being.refusal(CHUNK, None, tenant) == (BROKEN_REFERENCE if tenant == STRANGER else "")


REFERENCES = {
    "a chunk's source": ("knowledge_sources", CHUNK),
    "a conversation's agent": (
        "agents",
        "INSERT INTO conversations (user_id, persistent_agent_id, title, mode, tenant_id)"
        " SELECT u.id, %s, 't', 'agent', u.tenant_id FROM users AS u WHERE u.tenant_id = %s LIMIT 1",
    ),
    "a message's conversation": (
        "conversations",
        "INSERT INTO messages (conversation_id, role, content, tenant_id) VALUES (%s, 'user', 'c', %s)",
    ),
    "an assignment's agent": (
        "agents",
        "WITH own AS (INSERT INTO tools (name, description, tool_key, tool_type, tenant_id)"
        " VALUES ('n', 'd', 'own', 'api', current_setting('vital.tenant_id')::uuid) RETURNING id)"
        " INSERT INTO agent_tool_assignments (agent_id, tool_id, tenant_id) SELECT %s, id, %s FROM own",
    ),
}


@pytest.mark.parametrize("reference", REFERENCES)
def test_a_reference_is_to_an_own_row_or_the_platforms(fenced: Scratch, reference: str) -> None:
    parents, statement = REFERENCES[reference]

    def one_of(tenant: str) -> str:
        return str(queries.scalar(fenced, f"SELECT min(id::text) FROM {parents} WHERE tenant_id = %s", tenant))

    for tenant, other in ((DIGITAL_HEALTH, PHARMA), (PHARMA, DIGITAL_HEALTH)):
        with as_tenant(fenced, tenant) as being:
            assert being.refusal(statement, one_of(other), tenant) == BROKEN_REFERENCE
            assert being.refusal(statement, one_of(tenant), tenant) == ""
            assert parents in PRIVATE or being.refusal(statement, one_of(PLATFORM), tenant) == ""


def test_a_reference_cannot_be_turned_into_another_tenant(fenced: Scratch) -> None:
    theirs = queries.scalar(fenced, "SELECT min(id::text) FROM knowledge_sources WHERE tenant_id = %s", PHARMA)
    unknown = "00000000-0000-4000-8000-00000000dead"
    with as_tenant(fenced, DIGITAL_HEALTH) as being:
        statement = "UPDATE knowledge_base SET source_id = %s WHERE tenant_id = %s"
        assert being.refusal(statement, theirs, DIGITAL_HEALTH) == BROKEN_REFERENCE
        assert being.refusal(statement, unknown, DIGITAL_HEALTH) == BROKEN_REFERENCE, "and it looks the same"


def test_two_tenants_may_use_the_same_key(fenced: Scratch) -> None:
    """After 006 keys are unique in each tenant: nobody learns from a refusal what others have."""
    statement = "INSERT INTO tools (name, description, tool_key, tool_type, tenant_id) VALUES ('n', 'd', %s, 'api', %s)"
    taken = queries.scalar(fenced, "SELECT min(tool_key) FROM tools")
    for tenant in (DIGITAL_HEALTH, PHARMA):
        with as_tenant(fenced, tenant) as being:
            assert being.touched(statement, taken, tenant) == 1
            assert being.refusal(statement, taken, tenant) == TAKEN
