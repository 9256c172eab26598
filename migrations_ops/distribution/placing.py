"""A tenant with a shard group of its own on a node: shown, carried out, undone.

Citus copies a shard as the tables' owner, whom row level security must not bind meanwhile. So there are three steps:
the owner is unbound, the shards move in one transaction of Citus', the owner is bound again. Said again after a kill,
it goes on with what is lacking. vital_tenant is no owner, and bound all the time.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.sql import Composable

from migrations_ops.distribution import carry, tenant_shards
from migrations_ops.distribution.phase import KEY
from migrations_ops.distribution.queries import of_table, query
from migrations_ops.distribution.tenant_shards import BLOCK_WRITES, ONLINE, Held, Node, NotDistributed, Place
from migrations_ops.engine.session import Session
from migrations_ops.phase_state import completed_phases, open_session, open_with_plan
from migrations_ops.phases.inventory import inventory_of
from migrations_ops.rules.model import Plan
from tenants import audit
from tenants.isolation import cluster_probe, comparison
from tenants.isolation.difference import NODES
from vital.db import cluster, retry, sql
from vital.db.own_schema import me
from vital.db.sql import shown
from vital.errors import EngineError, require_reason

Say = Callable[[str], None]
EVERY = 1.0  # seconds between two looks at how far it is
PATIENCE = "60s"  # for the locks by which writes are held at the end
PROOF = 60.0  # seconds for attacks
BOUND = "FORCE ROW LEVEL SECURITY"
ACTIONS = {False: "place tenant", True: "undo placement"}


class NotIsolated(EngineError):
    """Isolation is not what the plan wants, so no tenant is placed: {seen}. Nothing was changed. First: {fix}"""

    exit_code = 2


class NotPlaced(EngineError):
    """{slug} was not placed: {why}. Its rows are where they were. Correct the cause and say it again; --block-writes
    needs no replication."""


class NotTheSame(EngineError):
    """{slug} lies on {node}, and its {table} are not what they were: {before} rows before, {after} after, though it is
    suspended. Do not let it in; compare its rows with those of an export or a backup."""


class NotHeld(EngineError):
    """{slug} lies on {node}, and isolation does not hold there: {what}. Undo it: ./manage.py tenants place {slug}
    --undo --yes"""


@dataclass(frozen=True)
class Wanted:
    """What was asked for: `node` is host:port, or empty for the emptiest one; `undo` goes back to its neighbours."""

    slug: str
    node: str = ""
    undo: bool = False
    block_writes: bool = False


@dataclass(frozen=True)
class Prospect:
    """What it comes to. `unbound` are tables whose owner an earlier one has left unbound, as it did not end."""

    place: Place
    target: Node
    mode: str
    why: str
    unbound: tuple[str, ...]
    undo: bool

    @property
    def is_there(self) -> bool:
        own = self.place.first.is_own
        return (own or self.undo) and (self.target.id == self.place.node.id)

    def document(self, before: dict[str, Held]) -> dict[str, Any]:
        place = self.place
        tables = [
            {"table": shown(one.relation), "shard": one.id, "rows": held.rows, "bytes": held.bytes}
            for one in place.shards
            for held in [before[one.relation]]
        ]
        nodes = [{"node": n.name, "bytes": n.bytes, "tenants": list(n.tenants)} for n in place.nodes.values()]
        return {
            "slug": place.record.slug, "tenant": place.record.id, "from": place.node.name, "to": self.target.name,
            "own_shards": place.first.is_own, "sharing": list(place.sharing), "tables": tables, "nodes": nodes,
            "writes_wait": self.mode == BLOCK_WRITES, "why_writes_wait": self.why, "unfinished": bool(self.unbound),
            "status": "nothing_to_do" if self.is_there and not self.unbound else "shown",
        }  # fmt: skip


def look(session: Session, plan: Plan, wanted: Wanted) -> Prospect:
    """Raises NotDistributed, NoSuchTenant, NoSuchNode, NotIsolated."""
    place = tenant_shards.place_of(session, plan, wanted.slug)
    unbound = _refuse_what_is_open(session, plan, place.tables)
    if wanted.undo:
        target = tenant_shards.neighbours_node(session, place) if place.first.is_own else place.node
    elif wanted.node:
        target = place.node_named(wanted.node)
    else:
        target = place.node if place.first.is_own else place.emptiest()
    why = "--block-writes says so" if wanted.block_writes else tenant_shards.why_not_online(session)
    return Prospect(place, target, BLOCK_WRITES if why else ONLINE, why, unbound, wanted.undo)


def shown_placement(wanted: Wanted) -> dict[str, Any]:
    """What it would do. Only reads; raises what `look` does."""
    with _opened(read_only=True) as (session, plan):
        prospect = look(session, plan, wanted)
        return prospect.document(tenant_shards.held(session, prospect.place))


def place(wanted: Wanted, reason: str, say: Say, waiting: Say, *, who: str = "") -> dict[str, Any]:
    """Carry it out, or go on with it, under the run's lock. Raises what `look` does, ReasonRequired, LockNotGranted,
    NotPlaced, NotTheSame and NotHeld."""
    reason = require_reason(reason, "What is done to a tenant")
    with _opened() as (session, plan), session.run_lock():
        if look(session, plan, wanted).unbound:
            session.execute(query("drop_orphans"))
        prospect = look(session, plan, wanted)
        before, started = tenant_shards.held(session, prospect.place), time.monotonic()
        document = prospect.document(before)
        if document["status"] == "nothing_to_do":
            return document
        note = partial(audit.note, session, who or me(), ACTIONS[wanted.undo], reason)
        facts = {key: document[key] for key in ("tenant", "slug", "from", "to", "writes_wait")}
        with _owner_unbound(session, prospect, lambda outcome: note(facts | {"outcome": outcome}), waiting):
            if not prospect.is_there:
                _carried_out(session, prospect, say)
            session.execute(query("drop_orphans"))
        document |= _compared(session, prospect, before)
        document |= _proved(session, plan, prospect, say)
        document["seconds"] = round(time.monotonic() - started, 1)
        return document | {"status": "undone" if wanted.undo else "placed"}


@contextmanager
def _opened(*, read_only: bool = False) -> Iterator[tuple[Session, Plan]]:
    with open_with_plan(read_only=read_only) as (session, plan):
        carry.refuse(session)
        if KEY not in completed_phases(session, ""):
            raise NotDistributed
        yield session, plan


def _refuse_what_is_open(session: Session, plan: Plan, tables: list[str]) -> tuple[str, ...]:
    """Raise NotIsolated; what an earlier placement has left is no reason, and is returned."""
    stands = comparison.standing(session.execute, inventory_of(plan))
    if stands.is_off:
        raise NotIsolated(seen="it is off", fix="./manage.py migrate_tenants --only 006")
    of_ours = [one for one in stands.dangerous if one.relation in tables]
    unbound = [one for one in of_ours if one.wanted == BOUND]
    half_made = [one for one in of_ours if unbound and one.part == NODES]  # shards on their way are on two nodes
    for one in stands.dangerous:
        if one not in (*unbound, *half_made):
            raise NotIsolated(seen=one.seen, fix=one.fix)
    return tuple(one.relation for one in unbound)


@contextmanager
def _owner_unbound(session: Session, prospect: Prospect, note: Callable[[str], None], waiting: Say) -> Iterator[None]:
    """Begin and end each have their line in the audit, in the transaction that makes it so."""
    tables = tuple(prospect.place.tables)
    bound = [name for (name,) in session.execute(query("tables_bound_to_owner", tables=sql.literal(list(tables))))]
    again = tuple(dict.fromkeys([*bound, *prospect.unbound]))

    def changed(statement: str, outcome: str) -> None:
        with session.work(as_operator=False):
            for relation in again:
                session.execute(of_table(statement, relation))
            note(outcome)

    retry.retried(session, again, partial(changed, "no_force_to_move", "begun"), waiting)
    outcome = "not placed"
    try:
        yield
        outcome = "done"
    finally:
        if session.connection.info.transaction_status == TransactionStatus.IDLE:
            retry.retried(session, again, partial(changed, "force_again", outcome), waiting)


def _carried_out(session: Session, prospect: Prospect, say: Say) -> None:
    source, target = prospect.place.node, prospect.target
    say(f"{len(prospect.place.shards)} shards from {source.name} to {target.name}")
    try:
        with _watched(target, say), session.work(as_operator=False, lock_timeout=PATIENCE):
            session.execute(_statement(prospect))
    except psycopg.Error as error:
        why = " ".join(filter(None, (error.diag.message_primary, error.diag.message_hint))) or str(error)
        raise NotPlaced(slug=prospect.place.record.slug, why=why.removeprefix("ERROR:").strip().rstrip(".")) from error
    say(f"they are on {target.name}")


def _statement(prospect: Prospect) -> Composable:
    shard, target = prospect.place.first, prospect.target.id
    mode = {"shard": sql.literal(shard.id), "mode": sql.literal(prospect.mode)}
    if shard.is_own:
        return query("move_shards", source=sql.literal(shard.node), target=sql.literal(target), **mode)
    points = sql.literal([str(point) for point in shard.split_points()])
    return query("split_tenant_out", points=points, nodes=sql.literal(shard.nodes_after(target)), **mode)


@contextmanager
def _watched(target: Node, say: Say) -> Iterator[None]:
    """Says how much is there by now, from a connection of its own."""
    over = threading.Event()

    def watch() -> None:
        last = ""
        with suppress(psycopg.Error, EngineError), open_session(read_only=True) as session:
            while not over.wait(EVERY):
                made = session.value(query("made_so_far", node=sql.literal(target.id)))
                text = f"{int(made or 0) / 1024 / 1024:,.1f} MB with indexes are on {target.name}"
                if made and text != last:
                    say(text)
                    last = text

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def _compared(session: Session, prospect: Prospect, before: dict[str, Held]) -> dict[str, Any]:
    """Raise NotTheSame where rows are others and the tenant is suspended, so that nobody has written any. Otherwise
    that is told by table: it may have written before the shards were held, or afterwards."""
    after = tenant_shards.held(session, prospect.place)
    others = [name for name in before if (before[name].rows, before[name].sum) != (after[name].rows, after[name].sum)]
    if others and not prospect.place.record.is_active:
        name = others[0]
        facts = {"before": f"{before[name].rows:,}", "after": f"{after[name].rows:,}", "table": shown(name)}
        raise NotTheSame(slug=prospect.place.record.slug, node=prospect.target.name, **facts)
    return {"written_meanwhile": {shown(name): [before[name].rows, after[name].rows] for name in others}}


def _proved(session: Session, plan: Plan, prospect: Prospect, say: Say) -> dict[str, Any]:
    """Raise NotHeld unless each shard has what the coordinator has, and no attack on the tenant's rows succeeds."""
    inventory, record, node = inventory_of(plan), prospect.place.record, prospect.target.name
    for one in comparison.standing(session.execute, inventory).dangerous:
        raise NotHeld(slug=record.slug, node=node, what=one.seen)
    form = cluster.form_of(session.execute, inventory.closed)
    report = cluster_probe.prove_one(session, inventory, form, record.id, time.monotonic() + PROOF)
    if report.leaks or report.hidden:
        first = report.leaks[0] if report.leaks else None
        what = f"{first.attacker} on {first.what}, {first.verb}" if first else report.hidden[0]["detail"]
        raise NotHeld(slug=record.slug, node=node, what=what)
    attacks = report.document()["attacks"]
    say(f"isolation holds on every node; {attacks:,} attacks, no leak")
    return {"attacks": attacks, "leaks": 0}
