"""What is done to isolation on one node of a cluster is noticed: the comparison is what doctor and the service ask."""

import json
from dataclasses import dataclass

import psycopg
import pytest

from tests.support import citus
from tests.support.command_results import Manage
from tests.support.databases import Scratch, rows

pytestmark = pytest.mark.slow

ONE_SHARD = """
    SELECT shard.name
    FROM pg_dist_shard AS s
    CROSS JOIN LATERAL (SELECT shard_name(s.logicalrelid, s.shardid)::text) AS shard (name)
    WHERE s.logicalrelid = 'messages'::regclass AND to_regclass(shard.name) IS NOT NULL ORDER BY 1 LIMIT 1
"""


@dataclass(frozen=True)
class Case:
    """`sabotage` and its `repair` on a worker, or on the coordinator; {shard} is one of messages. `seen` is noticed."""

    sabotage: str
    repair: str
    seen: str
    on_worker: bool = True


NAME = "citus.enable_ddl_propagation"
SETTING = "DO $x$ BEGIN EXECUTE format('ALTER DATABASE %I {}', current_database()); END $x$"
ALONE = "SET citus.enable_ddl_propagation = off; SET citus.enable_alter_role_propagation = off; "
CASES = {
    "a shard without row level security": Case(
        "ALTER TABLE {shard} DISABLE ROW LEVEL SECURITY", "ALTER TABLE {shard} ENABLE ROW LEVEL SECURITY",
        "row level security of shard {shard}",
    ),
    "a shard whose owner is not bound": Case(
        "ALTER TABLE {shard} NO FORCE ROW LEVEL SECURITY", "ALTER TABLE {shard} FORCE ROW LEVEL SECURITY",
        "FORCE ROW LEVEL SECURITY of shard {shard}",
    ),
    "a policy more on a shard": Case(
        "CREATE POLICY all_of_it ON {shard} USING (true)", "DROP POLICY all_of_it ON {shard}",
        "policies of shard {shard}",
    ),
    "a guard that is switched off": Case(
        "ALTER TABLE {shard} DISABLE TRIGGER USER", "ALTER TABLE {shard} ENABLE TRIGGER USER",
        "triggers of shard {shard}",
    ),
    "a role that policies do not bind on a worker": Case(
        ALONE + "ALTER ROLE vital_tenant BYPASSRLS", ALONE + "ALTER ROLE vital_tenant NOBYPASSRLS",
        "role vital_tenant on",
    ),
    "changes that are not passed on": Case(
        SETTING.format(f"SET {NAME} = off"), SETTING.format(f"RESET {NAME}"),
        "settings of the database", on_worker=False,
    ),
    "a policy of others for everybody": Case(
        "CREATE POLICY all_of_it ON messages FOR SELECT USING (true)", "DROP POLICY all_of_it ON messages",
        "policy all_of_it of public.messages", on_worker=False,
    ),
}  # fmt: skip


def noticed(distributed: Scratch, manage: Manage) -> list[str]:
    done = manage(distributed, "doctor", "--json", timeout=300)
    found = [one for one in json.loads(done.stdout)["signs"] if one["state"] == "fail"]
    return [one["seen"] for one in found if one["name"] == "isolation"]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_it_is_noticed(distributed: Scratch, manage: Manage, case: Case) -> None:
    worker = citus.workers(distributed.admin_url)[0]
    ((shard,),) = rows(worker, ONE_SHARD)
    where = worker if case.on_worker else distributed.admin_url
    assert noticed(distributed, manage) == []
    run(where, case.sabotage.replace("{shard}", shard))
    try:
        found = noticed(distributed, manage)
    finally:
        run(where, case.repair.replace("{shard}", shard))

    assert any(one.startswith(case.seen.replace("{shard}", shard)) for one in found), found
    assert noticed(distributed, manage) == []


def run(url: str, statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements.split("; ") if statements.startswith("SET ") else [statements]:
            connection.execute(statement.encode())
