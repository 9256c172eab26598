"""Tables are distributed over the nodes of a cluster, and lie on the coordinator again as they were."""

import json

import psycopg
import pytest

from tests.support import citus, databases
from tests.support.command_results import Manage, said
from tests.support.databases import Scratch, rows

pytestmark = pytest.mark.slow

DISTRIBUTED = {"agent_tool_assignments", "conversations", "knowledge_base", "messages", "prompts"}
COPIED = {
    "agents", "business_functions", "knowledge_domains", "knowledge_sources", "org_departments",
    "organizational_levels", "tenants", "tool_categories", "tools", "users",
}  # fmt: skip
PLACED = "SELECT logicalrelid::text, partmethod::text FROM pg_dist_partition"
LEFT = "SELECT sum(pg_relation_size(logicalrelid)) FROM pg_dist_partition"
KEY = "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = %s AND conrelid = %s::regclass"
STATES = "SELECT status FROM migration_tracking WHERE phase LIKE '007%%' ORDER BY started_at"
SUM = "SELECT md5(string_agg(t::text, ',' ORDER BY id)) FROM %s AS t"
COPIES = "SELECT result FROM run_command_on_placements(%s, %s)"
INSERT = "INSERT INTO conversations (id, user_id, title, mode) SELECT gen_random_uuid(), id, 'x', 'agent' FROM users"


def counts(scratch: Scratch) -> dict[str, int]:
    tables = sorted(DISTRIBUTED | COPIED)
    return {table: rows(scratch.admin_url, f"SELECT count(*) FROM {table}")[0][0] for table in tables}


def test_what_it_would_do_is_shown_and_nothing_is_done(ready: Scratch, manage: Manage) -> None:
    before, before_rows = databases.dump(ready.admin_url), counts(ready)

    done = manage(ready, "distribute", "--json")

    assert done.returncode == 0, said(done)
    document = json.loads(done.stdout)
    placement = {one["table"]: one["placement"] for one in document["tables"]}
    assert {name for name, how in placement.items() if how == "distributed"} == DISTRIBUTED
    assert {name for name, how in placement.items() if how == "reference"} == COPIED
    spelled = [one for one in document["tables"] if one["table"] in before_rows]
    assert {one["table"]: one["rows"] for one in spelled} == before_rows
    assert not any(one["estimated"] for one in spelled)
    lost = {one["name"]: one["why"] for one in document["foreign_keys"] if one["becomes"] == "not kept"}
    assert set(lost) == {"users_id_fkey", "agent_tool_assignments_assigned_by_fkey"}
    assert all(why.split()[0].isdigit() and "auth.users is not placed" in why for why in lost.values())
    assert [one["name"] for one in document["foreign_keys"] if one["becomes"] == "with the tenant"] == [
        "messages_conversation_id_fkey"
    ]
    assert databases.dump(ready.admin_url) == before


def test_there_and_back_and_there_again(ready: Scratch, manage: Manage) -> None:
    before, dump = counts(ready), databases.as_restored(databases.dump(ready.admin_url))

    done = manage(ready, "distribute", "--yes", timeout=600)

    assert done.returncode == 0, said(done)
    placed = dict(rows(ready.admin_url, PLACED))
    assert {name for name, how in placed.items() if how == "h"} == DISTRIBUTED
    assert {name for name, how in placed.items() if how == "n"} == COPIED
    assert counts(ready) == before
    assert rows(ready.admin_url, LEFT) == [(0,)], "nothing is left on the coordinator where Citus hides it"
    assert rows(ready.admin_url, KEY, ["messages_pkey", "messages"]) == [("PRIMARY KEY (id, tenant_id)",)]
    composite = "FOREIGN KEY (conversation_id, tenant_id) REFERENCES conversations(id, tenant_id) ON DELETE CASCADE"
    assert rows(ready.admin_url, KEY, ["messages_conversation_id_fkey", "messages"]) == [(composite,)]
    assert rows(ready.admin_url, STATES) == [("completed",)]

    again = manage(ready, "distribute", "--yes")
    assert (again.returncode, "Nothing to do" in again.stdout) == (0, True), said(again)
    for words in (("run", "--yes"), ("undo", "--yes")):
        refused = manage(ready, "migrate_tenants", *words)
        assert (refused.returncode, "distribute --undo" in refused.stderr) == (2, True), said(refused)

    undone = manage(ready, "distribute", "--undo", "--yes", timeout=600)

    assert undone.returncode == 0, said(undone)
    assert databases.as_restored(databases.dump(ready.admin_url)) == dump
    assert rows(ready.admin_url, PLACED) == []
    assert rows(ready.admin_url, STATES)[0] == ("rolled_back",)
    isolated = manage(ready, "migrate_tenants", "--only", "006", timeout=300)
    assert isolated.returncode == 0, said(isolated)
    assert databases.as_restored(databases.dump(ready.admin_url)) == dump, "isolation had nothing to make anew"
    done = manage(ready, "distribute", "--yes", timeout=600)
    assert done.returncode == 0, said(done)
    assert counts(ready) == before


def test_every_node_has_the_same_copy_after_an_update(distributed: Scratch) -> None:
    for table in ("tools", "org_departments", "users"):
        with psycopg.connect(distributed.admin_url) as connection:
            connection.execute(f"UPDATE {table} SET updated_at = updated_at".encode())
            found = connection.execute(COPIES, [table, SUM]).fetchall()
            assert len(found) == len(citus.nodes())
            assert len(set(found)) == 1, f"copies of {table} differ"
            connection.rollback()


def test_rows_without_a_tenant_are_refused_before_anything_is_done(ready: Scratch, manage: Manage) -> None:
    rows(ready.admin_url, "ALTER TABLE conversations ALTER tenant_id DROP NOT NULL")
    rows(ready.admin_url, f"SET session_replication_role = replica; {INSERT} LIMIT 1")
    before = databases.dump(ready.admin_url)

    done = manage(ready, "distribute", "--yes", timeout=300)

    assert done.returncode == 1, said(done)
    assert "1 rows have no tenant" in done.stdout, said(done)
    assert databases.dump(ready.admin_url) == before
