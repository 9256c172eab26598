"""On every node a tenant sees its own rows and the Platform's shared ones: through the coordinator, and past it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from tests.support import citus
from tests.support.cast import DIGITAL_HEALTH, PHARMA, PLATFORM
from tests.support.command_results import Manage, said
from tests.support.databases import Scratch, rows
from vital.db.scope import beginning_of, operator_scope, tenant_scope

pytestmark = pytest.mark.slow

SHARED = ("agents", "agent_tool_assignments", "knowledge_base", "knowledge_sources", "prompts", "tools")
PRIVATE = ("conversations", "messages", "users")
SHARDS = """
    SELECT s.logicalrelid::text, shard_name(s.logicalrelid, s.shardid)::text FROM pg_dist_shard AS s
    WHERE to_regclass(shard_name(s.logicalrelid, s.shardid)) IS NOT NULL
"""
OWNERS = "SELECT tenant_id::text, count(*) FROM {} GROUP BY 1"
CHUNK = """
    INSERT INTO knowledge_base (id, tenant_id, chunk_index, content, content_hash, domain, source_id)
    VALUES (gen_random_uuid(), '{}', 0, 'x', 'x', 'general', {})
"""
SOURCE = "(SELECT min(id::text)::uuid FROM knowledge_sources WHERE tenant_id = '{}')"


@contextmanager
def as_the_service(scratch: Scratch, tenant: str) -> Iterator[psycopg.Cursor]:
    """The tenant's transaction, begun as the service begins it; rolled back."""
    with psycopg.connect(scratch.owner_url, autocommit=True) as connection:
        scope = tenant_scope(tenant, read_only=False)
        connection.execute(beginning_of(scope, on_cluster=True).text.encode())
        yield connection.cursor()
        connection.rollback()


def owners(cursor: psycopg.Cursor, table: str) -> dict[str, int]:
    return dict(cursor.execute(OWNERS.format(table).encode()).fetchall())


@pytest.mark.parametrize("tenant", [DIGITAL_HEALTH, PHARMA, ""])
def test_a_tenant_is_shown_its_own_rows_and_the_shared_ones(distributed: Scratch, tenant: str) -> None:
    with as_the_service(distributed, tenant) as cursor:
        for table in (*SHARED, *PRIVATE):
            everything = dict(rows(distributed.admin_url, OWNERS.format(table)))
            readable = {tenant, PLATFORM} if table in SHARED else {tenant}
            expected = {owner: count for owner, count in everything.items() if owner in readable}
            assert owners(cursor, table) == expected, table


WRITES = {
    "its own": (DIGITAL_HEALTH, DIGITAL_HEALTH, ""),
    "of the Platform's source": (DIGITAL_HEALTH, PLATFORM, ""),
    "in another's name": (PHARMA, "", "42501"),
    "of another's source": (DIGITAL_HEALTH, PHARMA, "23503"),
}


@pytest.mark.parametrize(("owner", "source", "sqlstate"), WRITES.values(), ids=WRITES)
def test_a_tenant_writes_its_own_rows_alone(distributed: Scratch, owner: str, source: str, sqlstate: str) -> None:
    of_source = rows(distributed.admin_url, SOURCE.format(source).strip("()"))[0][0] if source else None
    statement = CHUNK.format(owner, f"'{of_source}'" if of_source else "NULL")
    with as_the_service(distributed, DIGITAL_HEALTH) as cursor:
        if not sqlstate:
            cursor.execute(statement.encode())
            assert cursor.rowcount == 1
            return
        with pytest.raises(psycopg.Error) as refused:
            cursor.execute(statement.encode())
        assert refused.value.sqlstate == sqlstate


def test_nothing_of_a_tenant_outlives_its_transaction(distributed: Scratch) -> None:
    """Connections between nodes are kept, and serve whoever comes next."""
    with psycopg.connect(distributed.owner_url, autocommit=True) as connection:
        for tenant in (PHARMA, "", DIGITAL_HEALTH):
            scope = tenant_scope(tenant, read_only=True)
            beginning = beginning_of(scope, on_cluster=True)
            cursor = connection.execute((beginning.text + OWNERS.format("knowledge_base") + ";COMMIT").encode())
            for _ in range(beginning.results):
                cursor.nextset()
            assert {owner for owner, _ in cursor.fetchall()} == {tenant, PLATFORM} - {""}
        operator = beginning_of(operator_scope(read_only=True), on_cluster=True)
        connection.execute(operator.text.encode())
        assert set(owners(connection.cursor(), "knowledge_base")) >= {PLATFORM, DIGITAL_HEALTH, PHARMA}


def test_each_worker_shows_its_shards_to_tenants_alone(distributed: Scratch) -> None:
    """By logging in there as vital_tenant, past the coordinator."""
    looked_at = 0
    for worker in citus.workers(distributed.admin_url):
        shards = rows(worker, SHARDS)
        with psycopg.connect(worker, user="vital_tenant", autocommit=True) as connection:
            for tenant in ("", PHARMA):
                connection.execute("SELECT set_config('vital.tenant_id', %s, false)", [tenant])
                for table, shard in shards:
                    if table in (*SHARED, *PRIVATE):
                        readable = {tenant, PLATFORM} if table in SHARED else {tenant}
                        assert set(owners(connection.cursor(), shard)) <= readable - {""}, shard
                        looked_at += 1
            with pytest.raises(psycopg.Error):
                connection.execute("SET ROLE vital_operator")
    assert looked_at > 2 * citus.SHARDS


def test_the_proof_holds(distributed: Scratch, manage: Manage) -> None:
    done = manage(distributed, "prove_isolation", "--json", "--budget", "900", timeout=900)

    assert done.returncode == 0, said(done)
    document = json.loads(done.stdout)
    assert (document["holds"], document["leaks"]) == (True, 0)
    tried = {(one["what"], one["verb"]) for one in document["matrix"] if one["outcome"] == "held"}
    for table in (*SHARED, *PRIVATE):
        verbs = {verb for name, verb in tried if name == table}
        by_key = {"select by key", "select for update", "update by key", "delete by key", "insert in its name"}
        assert by_key | {"select without filter", "give an own row away"} <= verbs, table
    assert any(verb.startswith("refer to its row by") for _, verb in tried)
    shards = [one for one in document["matrix"] if one["verb"].startswith("select from shard")]
    assert len(shards) > 4 * citus.SHARDS
    assert {one["outcome"] for one in shards} == {"held"}
