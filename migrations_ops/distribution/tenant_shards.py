"""Where a tenant's rows lie on a cluster: its shards, their node, and who else is there. Only reads."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from migrations_ops.distribution.queries import of_table, query
from migrations_ops.engine.session import Session
from migrations_ops.phases.inventory import inventory_of
from migrations_ops.rules.model import Plan
from tenants.lifecycle import registry
from tenants.lifecycle.registry import Record
from vital.db import cluster, sql
from vital.errors import EngineError, hint

ONLINE, BLOCK_WRITES = "auto", "block_writes"  # Citus' words: by logical replication, which needs a primary key, or not
WAL, DECODER = "logical", "citus"


class NoSuchNode(EngineError):
    """There is no node {name} that holds shards.{hint} Nothing was changed."""

    exit_code = 2


class NotDistributed(EngineError):
    """The tables of this database are not distributed, or not to the end, so no tenant has a node: first ./manage.py
    distribute --yes. Nothing was changed."""

    exit_code = 2


@dataclass(frozen=True)
class Shard:
    """Of one table, that in which the tenant's rows are. It has the hashes from `low` to `high`; `hash` is its own."""

    relation: str
    id: int
    low: int
    high: int
    hash: int
    node: int

    @property
    def is_own(self) -> bool:
        """Whether no other tenant's rows can be in it."""
        return self.low == self.high

    def split_points(self) -> list[int]:
        """The last hash of each part but the last one, where it is split so that the tenant is alone."""
        return [hash for hash in (self.hash - 1, self.hash) if self.low <= hash < self.high]

    def nodes_after(self, target: int) -> list[int]:
        """The node of each of these parts: what is left stays where it is."""
        before, after = [self.node] * (self.low < self.hash), [self.node] * (self.hash < self.high)
        return [*before, target, *after]


@dataclass(frozen=True)
class Node:
    """One that may hold shards; `bytes` of distributed tables are on it, and `tenants` are the slugs of who is."""

    id: int
    name: str
    bytes: int
    tenants: tuple[str, ...] = ()


@dataclass(frozen=True)
class Held:
    """A tenant's rows of one table: how many, their bytes, and what they add up to on whichever node."""

    rows: int
    bytes: int
    sum: str


@dataclass(frozen=True)
class Place:
    """A tenant's shards, one for each distributed table, all on `node`; `sharing` are the slugs of who has the same."""

    record: Record
    shards: tuple[Shard, ...]
    nodes: Mapping[int, Node]
    sharing: tuple[str, ...]

    @property
    def first(self) -> Shard:
        return self.shards[0]

    @property
    def node(self) -> Node:
        return self.nodes[self.first.node]

    @property
    def tables(self) -> list[str]:
        return [shard.relation for shard in self.shards]

    def node_named(self, name: str) -> Node:
        """Raises NoSuchNode."""
        names = {node.name: node for node in self.nodes.values()}
        if name not in names:
            raise NoSuchNode(name=name, hint=hint(name, names, "There are"))
        return names[name]

    def emptiest(self) -> Node:
        """Where the fewest bytes are; with as many, where the tenant is by now."""
        return min(self.nodes.values(), key=lambda node: (node.bytes, node.id != self.node.id, node.id))


def place_of(session: Session, plan: Plan, slug: str) -> Place:
    """Raises NotDistributed, NoSuchTenant."""
    inventory = inventory_of(plan)
    form = cluster.form_of(session.execute, inventory.closed)
    tables = [name for name, how in form.placement.items() if how == cluster.DISTRIBUTED]
    if not tables:
        raise NotDistributed
    record = registry.find(session, inventory, slug)
    parts = {"tables": sql.literal(tables), "tenant": sql.literal(record.id)}
    shards = tuple(Shard(*row) for row in session.execute(query("shards_of_tenant", **parts)))
    everybody = {one.id: one.slug for one in registry.records(session, inventory)}
    parts = {"tenants": sql.literal(list(everybody)), "table": sql.literal(shards[0].relation)}
    lies = [(everybody[id], shard, node) for id, shard, node in session.execute(query("tenants_in_shards", **parts))]
    others = sorted(one for one in lies if one[0] != record.slug)
    nodes = {
        id: Node(id, name, size, tuple(name for name, _, node in others if node == id))
        for id, name, size in session.execute(query("nodes_for_shards"))
    }
    return Place(record, shards, nodes, tuple(name for name, shard, _ in others if shard == shards[0].id))


def neighbours_node(session: Session, place: Place) -> Node:
    """Where a group of its own was split from."""
    parts = {"table": sql.literal(place.first.relation), "hash": sql.literal(place.first.hash)}
    return place.nodes[session.value(query("node_of_neighbours", **parts))]


def held(session: Session, place: Place) -> dict[str, Held]:
    """Table → what it holds of the tenant. A node's hash of an enum is its own, so that those go by their text."""
    found = {}
    with session.work():
        session.execute(query("say_text_alike"))
        for relation in place.tables:
            columns = [dataclasses.replace(c, hashable=c.hashable and not c.labels) for c in session.columns(relation)]
            parts = {"hash": sql.row_hash("t", columns), "id": sql.literal(place.record.id)}
            found[relation] = Held(*session.execute(of_table("held_of_tenant", relation, **parts))[0])
    return found


def why_not_online(session: Session) -> str:
    """Why shards cannot be copied while they are written to; empty where nothing is known against it."""
    for name, value, wanted in (("wal_level", "wal_level", WAL), ("output_plugin_libraries", "decoders", DECODER)):
        command = sql.literal(sql.text_of(query(value)))
        for node, success, result in session.execute(query("replication_of_nodes", command=command)):
            if success and wanted not in str(result).replace(",", " ").split():
                return f"{name} of {node} is {result}, which must {'be' if wanted == WAL else 'have'} {wanted}"
    return ""
