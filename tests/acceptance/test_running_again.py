"""A second run changes nothing and says so; what has come since gets its tenant, what has one never loses it."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.support import databases, queries
from tests.support.cast import DIGITAL_HEALTH, PHARMA, PLATFORM
from tests.support.command_results import Done, Manage, document, said
from tests.support.databases import Scratch, clone_with_grants

NOTHING = "nothing was changed"
# No rule is for people; conversations and messages follow them; an assignment may be to no agent.
NO_TENANT_BY_RULE = {"users", "conversations", "messages", "agent_tool_assignments"}


@pytest.fixture
def settled(migrated_template: Scratch) -> Iterator[Scratch]:
    """A migrated database of one's own, like its original in its grants too, so that there is nothing left to do."""
    scratch = clone_with_grants(migrated_template)
    yield scratch
    databases.drop(scratch)


def everything(scratch: Scratch) -> str:
    return databases.dump(scratch.admin_url) + databases.dump(scratch.admin_url, schema="vital")


def again(manage: Manage, scratch: Scratch, *options: str) -> Done:
    done = manage(scratch, "migrate_tenants", "--yes", *options)
    assert done.returncode == 0, said(done)
    return done


def test_a_second_run_changes_nothing_and_says_so(settled: Scratch, manage: Manage) -> None:
    before = everything(settled)
    records = queries.scalar(settled, "SELECT count(*) FROM migration_tracking")
    assert NOTHING in again(manage, settled).stdout
    assert document(again(manage, settled, "--json"))["status"] == "nothing_to_do"
    assert document(again(manage, settled, "--to", "003", "--json"))["status"] == "nothing_to_do"
    assert everything(settled) == before
    assert queries.scalar(settled, "SELECT count(*) FROM migration_tracking") == records == 7


@pytest.mark.slow
def test_people_who_are_decided_later_bring_their_conversations_with_them(settled: Scratch, manage: Manage) -> None:
    """Half of them first: what is open stays open. Then the rest: nothing is left. NOT NULL never comes for people, for
    who registers next has no tenant by any rule, nor for what follows them."""
    undecided = [key for key, tenant in queries.tenants_of(settled, "users").items() if tenant is None]
    assert nullable(settled) == NO_TENANT_BY_RULE
    for number, part in enumerate((undecided[::2], undecided[1::2])):
        queries.write_as_owner(
            settled,
            "UPDATE users SET tenant_id = %s WHERE id = ANY (%s::uuid[])",
            (PHARMA, DIGITAL_HEALTH)[number],
            part,
        )
        assert "completed. Details: " in again(manage, settled).stdout
        assert strays(settled) == []
        assert nullable(settled) == NO_TENANT_BY_RULE
    for table in ("users", "conversations", "messages"):
        assert set(queries.tenants_of(settled, table).values()) == {PLATFORM, PHARMA, DIGITAL_HEALTH}, table
    assert queries.scalar(settled, "SELECT count(*) FROM vital.finding WHERE severity = 'REVIEW'") == 0
    assert NOTHING in again(manage, settled).stdout


def nullable(scratch: Scratch) -> set[str]:
    """The tables of the plan whose tenant may still be NULL."""
    found = databases.rows(
        scratch.admin_url,
        "SELECT table_name FROM information_schema.columns WHERE table_schema = 'public' AND column_name = 'tenant_id'"
        " AND is_nullable = 'YES'",
    )
    return {name for (name,) in found} & set(queries.TABLES)


def strays(scratch: Scratch) -> list[tuple[str, ...]]:
    """Conversations and messages that are not where their user is, though they had no tenant of their own before."""
    return databases.rows(
        scratch.admin_url,
        """
        SELECT c.id FROM conversations AS c JOIN users AS u ON u.id = c.user_id
        WHERE c.tenant_id IS DISTINCT FROM u.tenant_id
          AND c.id::text NOT IN (SELECT key FROM vital.baseline_row WHERE relation = 'public.conversations')
        UNION ALL
        SELECT m.id FROM messages AS m JOIN conversations AS c ON c.id = m.conversation_id
        WHERE m.tenant_id IS DISTINCT FROM c.tenant_id
        """,
    )


# --- what applications write meanwhile ---

TOOL = (
    "INSERT INTO tools (name, description, tool_key, tool_type) VALUES ('late', 'd', 'late', 'api') RETURNING id::text"
)
PROMPT = """
    INSERT INTO prompts (name, display_name, description, category, system_prompt, domain, created_by)
    VALUES ('late', 'l', 'd', 'c', 's', 'pharmacovigilance', gen_random_uuid()) RETURNING id::text
"""
CHUNK = """
    INSERT INTO knowledge_base (chunk_index, content, content_hash, domain, tenant_id)
    VALUES (1, 'c', 'h', %s, %s) RETURNING id::text
"""
CONVERSATION = """
    INSERT INTO conversations ({columns}) SELECT {columns} FROM (
        SELECT c.*, gen_random_uuid() AS new_id FROM conversations AS c JOIN users AS u ON u.id = c.user_id
        WHERE (u.tenant_id IS NULL) = %s ORDER BY c.id LIMIT 1
    ) AS copied RETURNING id::text
"""


@dataclass
class Written:
    """Rows that applications wrote between 002 and 003, and after the run."""

    scratch: Scratch
    late_before: dict[str, str]
    given_before: dict[str, str]
    first: Done


@pytest.fixture(scope="module")
def written(legacy_template: Scratch, manage: Manage) -> Iterator[Written]:
    scratch = databases.clone(legacy_template)
    again(manage, scratch, "--to", "002")
    late = {"tools": insert(scratch, TOOL), "prompts": insert(scratch, PROMPT)}
    given = {
        # By the rules the first would be the Platform's, and that rule also reassigns; the second Pharma's.
        "anatomy": insert(scratch, CHUNK, "anatomy", PHARMA),
        "clinical_trials": insert(scratch, CHUNK, "clinical_trials", DIGITAL_HEALTH),
    }
    late["knowledge_base"] = insert(scratch, CHUNK, "wearables", None)
    yield Written(scratch, late, given, again(manage, scratch))
    databases.drop(scratch)


def insert(scratch: Scratch, statement: str, *values: object) -> str:
    ((key,),) = queries.write_as_owner(scratch, statement, *values)
    return str(key)


def test_rows_written_without_a_tenant_get_theirs_at_once_and_say_why(written: Written, manage: Manage) -> None:
    wanted = {
        "tools": (PLATFORM, "tools are the Platform's", "003_platform_data"),
        "prompts": (PHARMA, "PRISM prompts and prompts of pharma domains", "004_tenant_data"),
        "knowledge_base": (DIGITAL_HEALTH, "digital health knowledge", "004_tenant_data"),
    }
    for table, (tenant, rule, phase) in wanted.items():
        key = written.late_before[table]
        entries = [entry for entry in queries.ledger_entries(written.scratch, table) if entry[0] == key]
        assert entries == [(key, rule, phase, "late", None, None, tenant)], table
        assert queries.tenants_of(written.scratch, table)[key] == tenant
    told = document(
        manage(written.scratch, "migrate_tenants", "explain", "prompts", written.late_before["prompts"], "--json")
    )
    assert (told["tenant"]["id"], told["rule"]) == (PHARMA, wanted["prompts"][1])
    assert told["history"][0]["by"] == "the application that wrote the row"


@pytest.mark.slow
def test_rows_written_with_a_tenant_after_the_baseline_are_never_moved(written: Written, manage: Manage) -> None:
    wanted = {written.given_before["anatomy"]: PHARMA, written.given_before["clinical_trials"]: DIGITAL_HEALTH}
    found = queries.tenants_of(written.scratch, "knowledge_base")
    assert {key: found[key] for key in wanted} == wanted
    again(manage, written.scratch, "--from", "003")
    found = queries.tenants_of(written.scratch, "knowledge_base")
    assert {key: found[key] for key in wanted} == wanted
    told = manage(written.scratch, "migrate_tenants", "explain", "knowledge_base", written.given_before["anatomy"])
    assert (told.returncode, "Pharmaceuticals" in told.stdout) == (0, True), said(told)


def test_a_late_row_of_a_child_follows_its_parent_or_waits(settled: Scratch) -> None:
    listed = ", ".join(name for name in queries.columns(settled, "conversations") if name not in {"id", "tenant_id"})
    for undecided, tenant in ((False, PLATFORM), (True, None)):
        key = insert(settled, CONVERSATION.replace("{columns}", listed), undecided)
        assert queries.tenants_of(settled, "conversations")[key] == tenant


def test_an_update_never_moves_a_row(settled: Scratch, manage: Manage) -> None:
    agent = queries.scalar(
        settled, "SELECT min(id::text) FROM agents WHERE tier = 'tier_3' AND tenant_id = %s", DIGITAL_HEALTH
    )
    prompt = queries.scalar(settled, "SELECT min(id::text) FROM prompts WHERE tenant_id = %s", DIGITAL_HEALTH)
    queries.write_as_owner(settled, "UPDATE agents SET name = 'regulatory drug', tier = 'tier_1' WHERE id = %s", agent)
    queries.write_as_owner(settled, "UPDATE prompts SET created_by = NULL, name = 'prism' WHERE id = %s", prompt)

    def where() -> list[str | None]:
        return [queries.tenants_of(settled, table)[key] for table, key in (("agents", agent), ("prompts", prompt))]

    assert where() == [DIGITAL_HEALTH] * 2
    again(manage, settled, "--from", "003")
    assert where() == [DIGITAL_HEALTH] * 2
