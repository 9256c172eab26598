"""One tenant gets a shard group of its own on a node, while others are served, and it goes back."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest

from tests.support import background, citus, databases
from tests.support.cast import DIGITAL_HEALTH, PHARMA, PLATFORM
from tests.support.command_results import Done, Manage, document, said
from tests.support.databases import Scratch, rows
from vital.db.scope import beginning_of, tenant_scope

pytestmark = pytest.mark.slow

TABLES = ("agent_tool_assignments", "conversations", "knowledge_base", "messages", "prompts")
WHY = ("--reason", "ticket 7")
Content = dict[tuple[str, str], tuple[int, str]]
SHARDS = """
    SELECT s.logicalrelid::text, s.shardid, s.shardminvalue = s.shardmaxvalue, format('%%s:%%s', n.nodename, n.nodeport)
    FROM pg_dist_shard AS s
    JOIN pg_dist_placement AS p USING (shardid)
    JOIN pg_dist_node AS n ON n.groupid = p.groupid
    WHERE s.shardminvalue IS NOT NULL AND worker_hash(%s::uuid) BETWEEN s.shardminvalue::int AND s.shardmaxvalue::int
"""
CONTENT = "SELECT tenant_id::text, count(*), md5(string_agg(t::text, ',' ORDER BY t.id)) FROM {} AS t GROUP BY 1"
UNBOUND = "SELECT count(*) FROM pg_class WHERE oid = ANY(%s::regclass[]) AND NOT relforcerowsecurity"
ON_SHARDS = """
    SELECT r.result FROM run_command_on_placements(%s, $$
        SELECT concat_ws(' ', c.relrowsecurity, c.relforcerowsecurity,
            (SELECT md5(string_agg(concat(p.polname, p.polcmd, pg_get_expr(p.polqual, p.polrelid)), ',' ORDER BY p.polname)) FROM pg_policy AS p WHERE p.polrelid = c.oid),
            (SELECT count(*) FROM pg_trigger AS g WHERE g.tgrelid = c.oid AND NOT g.tgisinternal))
        FROM pg_class AS c WHERE c.oid = '%%s'::regclass $$) AS r
"""  # noqa: E501
AUDIT = "SELECT action, reason, facts ->> 'outcome' FROM vital.audit WHERE facts ->> 'slug' = %s ORDER BY id"
UPDATE = "UPDATE knowledge_base SET content = content WHERE tenant_id = %s"


@pytest.fixture(scope="module")
def placeable(ready_template: Scratch, manage: Manage) -> Iterator[Scratch]:
    """The pack on the cluster, distributed, for tests that place tenants and take them back."""
    scratch = databases.clone_with_grants(ready_template)
    citus.let_replicate(scratch.name)
    done = manage(scratch, "distribute", "--yes", timeout=600)
    assert done.returncode == 0, said(done)
    yield scratch
    databases.drop(scratch)


@dataclass
class Placing:
    scratch: Scratch
    manage: Manage
    slug: str = "pharma"
    tenant: str = PHARMA

    def __call__(self, *words: str) -> Done:
        return self.manage(self.scratch, "tenants", "place", self.slug, *words, timeout=300)

    def done(self, *words: str) -> dict[str, Any]:
        done = self(*words, "--json")
        assert done.returncode == 0, said(done)
        return document(done)

    def shards(self) -> dict[str, tuple[int, bool, str]]:
        """Table → its shard with the tenant's rows, whether that is the tenant's own, and the node."""
        found = rows(self.scratch.admin_url, SHARDS, [self.tenant])
        return {table: (shard, own, node) for table, shard, own, node in found}

    def nodes(self) -> set[str]:
        return {node for _, _, node in self.shards().values()}

    def another_node(self) -> str:
        every = {f"{host}:{port}" for host, port, is_coordinator in citus.nodes() if not is_coordinator}
        return min(every - self.nodes())


@pytest.fixture
def placing(placeable: Scratch, manage: Manage) -> Placing:
    return Placing(placeable, manage)


def content(scratch: Scratch) -> Content:
    """(table, tenant) → how many rows, and what they are."""
    found = {}
    for table in TABLES:
        for tenant, count, digest in rows(scratch.admin_url, CONTENT.format(table)):
            found[table, tenant] = (count, digest)
    return found


def same_but_for(writer: str, before: Content, after: Content) -> bool:
    """Nothing of others is another; of who has written, the number of rows is the same."""
    counts = {key: count for key, (count, _) in before.items()} == {key: count for key, (count, _) in after.items()}
    return counts and all(after[key] == found for key, found in before.items() if key[1] != writer)


def as_served(scratch: Scratch, tenant: str) -> dict[str, str]:
    """Table → what the service would show this tenant, in the transaction that it begins for it."""
    with psycopg.connect(scratch.owner_url, autocommit=True) as connection:
        scope = tenant_scope(tenant, read_only=True)
        connection.execute(beginning_of(scope, on_cluster=True).text.encode())
        seen = "SELECT md5(string_agg(t::text, ',' ORDER BY t.id, t.tenant_id)) FROM {} AS t"
        return {table: connection.execute(seen.format(table).encode()).fetchone()[0] for table in TABLES}  # type: ignore[index]


@dataclass
class Traffic:
    """What another tenant did meanwhile. `errors` are refused statements; `slowest` is in seconds."""

    done: int = 0
    slowest: float = 0.0
    errors: list[str] = field(default_factory=list)


@contextmanager
def writing(scratch: Scratch, tenant: str) -> Iterator[Traffic]:
    """Rows of this tenant are read and written all the time."""
    traffic, over = Traffic(), threading.Event()

    def work() -> None:
        with psycopg.connect(scratch.admin_url, autocommit=True) as connection:
            while not over.wait(0.05):
                started = time.monotonic()
                try:
                    assert connection.execute(UPDATE.encode(), [tenant]).rowcount > 0
                    assert connection.execute("SELECT count(*) FROM messages").fetchone()
                    traffic.done += 1
                except psycopg.Error as error:
                    traffic.errors.append(str(error))
                traffic.slowest = max(traffic.slowest, time.monotonic() - started)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield traffic
    finally:
        over.set()
        thread.join()


def same_on_every_shard(scratch: Scratch) -> bool:
    """Row level security, policies and triggers of every shard are those of its neighbours."""
    return all(len({one for (one,) in rows(scratch.admin_url, ON_SHARDS, [table])}) == 1 for table in TABLES)


def test_what_it_would_do_is_shown_and_nothing_is_done(placing: Placing) -> None:
    before, there = content(placing.scratch), placing.shards()
    node = placing.another_node()

    shown = placing.done("--node", node)

    assert shown["status"] == "shown"
    assert ({shown["from"]}, shown["to"]) == (placing.nodes(), node)
    assert {one["table"]: one["shard"] for one in shown["tables"]} == {t: shard for t, (shard, _, _) in there.items()}
    assert {one["table"]: one["rows"] for one in shown["tables"]} == {
        table: before.get((table, PHARMA), (0, ""))[0] for table in TABLES
    }
    assert all(one["bytes"] > 0 for one in shown["tables"] if one["rows"])
    assert {one["node"] for one in shown["nodes"]} >= {node, shown["from"]}
    assert "digital-health" in [slug for one in shown["nodes"] for slug in one["tenants"]]
    assert not shown["writes_wait"]
    assert placing.shards() == there
    said_so = placing("--node", node, "--block-writes").stdout
    assert "Writes to these tables of pharma" in said_so
    assert "does not merge" in said_so


def test_it_is_placed_while_others_are_served_and_goes_back(placing: Placing) -> None:
    scratch, before, home = placing.scratch, content(placing.scratch), placing.nodes()
    seen, node = as_served(scratch, PHARMA), placing.another_node()
    with writing(scratch, DIGITAL_HEALTH) as traffic:
        done = placing.done("--node", node, "--yes", *WHY)

    assert (done["status"], done["written_meanwhile"], done["leaks"]) == ("placed", {}, 0)
    assert done["attacks"] > 50
    assert traffic.done > 20
    assert not traffic.errors
    assert {table: (own, where) for table, (_, own, where) in placing.shards().items()} == dict.fromkeys(
        TABLES, (True, node)
    )
    assert same_but_for(DIGITAL_HEALTH, before, content(scratch))
    assert as_served(scratch, PHARMA) == seen
    assert same_on_every_shard(scratch)
    assert rows(scratch.admin_url, UNBOUND, [list(TABLES)]) == [(0,)]
    assert rows(scratch.admin_url, "SELECT count(*) FROM pg_dist_cleanup") == [(0,)]
    assert placing.done("--node", node, "--yes", *WHY)["status"] == "nothing_to_do"
    assert placing.done("--yes", *WHY)["status"] == "nothing_to_do"

    back = placing.done("--undo", "--yes", *WHY)

    assert back["status"] == "undone"
    assert placing.nodes() == home
    assert same_but_for(DIGITAL_HEALTH, before, content(scratch))
    assert as_served(scratch, PHARMA) == seen
    assert same_on_every_shard(scratch)
    assert placing.done("--undo", "--yes", *WHY)["status"] == "nothing_to_do"
    noted = [(action, outcome) for action, reason, outcome in rows(scratch.admin_url, AUDIT, ["pharma"])]
    assert noted[-4:] == [
        ("place tenant", "begun"), ("place tenant", "done"),
        ("undo placement", "begun"), ("undo placement", "done"),
    ]  # fmt: skip


def test_it_writes_itself_while_its_writes_wait(placing: Placing) -> None:
    scratch, before, node = placing.scratch, content(placing.scratch), placing.another_node()
    with writing(scratch, PHARMA) as traffic:
        done = placing.done("--node", node, "--block-writes", "--yes", *WHY)

    assert (done["status"], done["writes_wait"]) == ("placed", True)
    assert set(done["written_meanwhile"]) == {"knowledge_base"}
    assert len(traffic.errors) <= 1, "a statement that meets the switch fails once, at most"
    assert placing.nodes() == {node}
    assert same_but_for(PHARMA, before, content(scratch))
    assert placing.done("--undo", "--block-writes", "--yes", *WHY)["status"] == "undone"


def test_the_platform_is_placed_and_every_tenant_reads_its_shared_rows(placeable: Scratch, manage: Manage) -> None:
    placing = Placing(placeable, manage, "vital-platform", PLATFORM)
    seen = {tenant: as_served(placeable, tenant) for tenant in (PHARMA, DIGITAL_HEALTH)}

    assert placing.done("--node", placing.another_node(), "--yes", *WHY)["status"] == "placed"

    assert {tenant: as_served(placeable, tenant) for tenant in seen} == seen


def test_what_is_wrong_is_said_before_anything_is_done(placing: Placing, ready: Scratch, manage: Manage) -> None:
    there = placing.shards()
    wrong = {
        ("--node", "127.0.0.1:1", "--yes", *WHY): "There is no node 127.0.0.1:1",
        ("--node", placing.another_node(), "--yes"): "written down with its reason",
    }
    for words, sentence in wrong.items():
        refused = placing(*words)
        assert (refused.returncode, sentence in refused.stderr) == (2, True), said(refused)
    refused = manage(placing.scratch, "tenants", "place", "parma")
    assert (refused.returncode, "Did you mean 'pharma'?" in refused.stderr) == (2, True), said(refused)
    refused = manage(ready, "tenants", "place", "pharma")
    assert (refused.returncode, "./manage.py distribute --yes" in refused.stderr) == (2, True), said(refused)
    assert placing.shards() == there


def test_isolation_that_is_not_as_planned_stops_it(placing: Placing) -> None:
    there, node = placing.shards(), placing.another_node()
    rows(placing.scratch.admin_url, "ALTER TABLE messages DISABLE ROW LEVEL SECURITY")
    try:
        refused = placing("--node", node, "--yes", *WHY)
    finally:
        rows(placing.scratch.admin_url, "ALTER TABLE messages ENABLE ROW LEVEL SECURITY")

    assert refused.returncode == 2, said(refused)
    assert "no tenant is placed: row level security of public.messages" in refused.stderr
    assert placing.shards() == there


@pytest.mark.parametrize("step", ["as it begins", "while shards are copied"])
def test_killed_it_is_done_or_not_begun_and_goes_on(placing: Placing, step: str) -> None:
    scratch, before, node = placing.scratch, content(placing.scratch), placing.another_node()
    reached = {
        "as it begins": lambda: rows(scratch.admin_url, UNBOUND, [list(TABLES)])[0][0] == len(TABLES),
        "while shards are copied": lambda: rows(scratch.admin_url, "SELECT count(*) FROM pg_dist_cleanup")[0][0] > 4,
    }[step]
    with background.start(scratch, "tenants", "place", "pharma", "--node", node, "--yes", *WHY) as command:
        command.until(reached, 60)
        command.kill()
    assert len(placing.nodes()) == 1
    assert content(scratch) == before

    done = placing.done("--node", node, "--yes", *WHY)

    assert done["status"] == "placed"
    assert placing.nodes() == {node}
    assert content(scratch) == before
    assert same_on_every_shard(scratch)
    assert rows(scratch.admin_url, UNBOUND, [list(TABLES)]) == [(0,)]
    assert placing.done("--undo", "--yes", *WHY)["status"] == "undone"
