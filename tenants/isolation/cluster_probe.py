"""The attack run where Citus has placed the tables: tenants against each other's real rows, through the coordinator.

Citus lets no transaction read as one role what it wrote as another, so nothing is planted: each attack aims at a row
that is there, as vital_tenant from the first statement on, and is taken back. What has no row is named as not tried.
Each shard is asked by itself, too, by a node that logs in as vital_tenant.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import permutations
from uuid import uuid4

import psycopg
from psycopg.sql import Composable

from tenants.inventory import Inventory, every_tenant
from tenants.isolation.attacks import BROKEN_REFERENCE, REFUSED, SHARED
from tenants.isolation.queries import of_table, query
from tenants.isolation.report import HELD, LEAK, NOT_TRIED, Attempt, Report
from tenants.isolation.targets import AS_TENANT, NOBODY, Actor, Target, in_turn, targets
from vital.db import introspection, sql
from vital.db.cluster import DISTRIBUTED, REFERENCE, Form
from vital.db.roles import TENANT_ROLE
from vital.db.session import Session

TOGETHER = 12  # tenants that are tried against each other; the others against one each
STAYS_ON_ITS_NODE = "0A000"  # Citus lets no row of a distributed table change its tenant
AT_LARGE = "writes without a filter"
HOLDS_ALL = "they would hold every row of the tenant until they are undone; writes are tried by key"
Row = Mapping[str, str | None]


class _RollBack(Exception):
    """Takes an attack back."""


@dataclass
class Facts:
    """What is known of a table as the operator: rows by owner, a row of each, and what its columns are."""

    owners: dict[str, int]
    columns: list[introspection.Column]
    rows: dict[str, Row] = field(default_factory=dict)


def prove(session: Session, inventory: Inventory, form: Form, deadline: float, *, everybody: bool) -> Report:
    """The whole run; what has had no turn by the deadline is named in the report."""
    started, run = time.monotonic(), ClusterRun(session, inventory, form)
    run.carry_out(deadline, everybody=everybody)
    run.report.seconds = time.monotonic() - started
    return run.report


def prove_one(session: Session, inventory: Inventory, form: Form, tenant: str, deadline: float) -> Report:
    """The same against one tenant, in the distributed tables alone."""
    started, run = time.monotonic(), ClusterRun(session, inventory, form, [DISTRIBUTED])
    run.carry_out(deadline, everybody=True, only=tenant)
    run.report.seconds = time.monotonic() - started
    return run.report


class ClusterRun:
    def __init__(
        self, session: Session, inventory: Inventory, form: Form, kinds: Sequence[str] = (DISTRIBUTED, REFERENCE, "")
    ) -> None:
        """`kinds` of tables are attacked: as they are placed, and those that are not."""
        self.session, self.inventory, self.form, self.report = session, inventory, form, Report()
        self.targets = [one for one in targets(inventory) if form.placement.get(one.relation, "") in kinds]
        self.by_name = {sql.names(target.relation): target for target in self.targets}
        self.facts: dict[str, Facts] = {}
        relations = [target.relation for target in self.targets]
        self.references = introspection.foreign_keys_between(session, relations)

    def carry_out(self, deadline: float, *, everybody: bool, only: str = "") -> None:
        """`only`: the one whose rows a dozen others are after; without one it is each in turn."""
        with self.session.work():
            found = every_tenant(self.session, self.inventory.registry)
        wanted = {*self.inventory.tenants}
        cast = [Actor(key, name) for key, name in found if everybody or key in wanted]
        if only:
            cast = sorted(cast, key=lambda actor: actor.id != only)[: TOGETHER + 1]
        some, others = cast[:TOGETHER], cast[TOGETHER:]
        pairs = [*permutations(some, 2), *((NOBODY, victim) for victim in some), *in_turn(others)]
        if only:
            pairs = [(attacker, cast[0]) for attacker in (NOBODY, *cast[1:])]
        self.report.leave_out(AT_LARGE, HOLDS_ALL)
        for target in self.targets:
            self.facts[target.relation] = self._look_up(target, [actor.id for actor in cast])
        for target in self.targets:
            for attacker in dict.fromkeys(attacker for attacker, _ in pairs):
                self._look(target, attacker, {actor.id: actor for actor in cast})
            self._each_shard(target)
        for number, (attacker, victim) in enumerate(pairs):
            if time.monotonic() > deadline:
                self.report.not_reached.append(f"{len(pairs) - number} pairs of tenants")
                return
            for target in self.targets:
                self._attack(target, attacker, victim)

    # --- what there is, as the operator ---

    def _look_up(self, target: Target, tenants: Sequence[str]) -> Facts:
        with self.session.work():
            owners = dict(self.session.execute(self._counted(target)))
            facts = Facts(owners, self.session.columns(target.relation))
            texts = sql.join(sql.compose("{c}::text", c=sql.column("t", one.name)) for one in facts.columns)
            for tenant in tenants:
                parts = {"texts": texts, "owner": sql.literal(tenant), "tenant": sql.ident(target.tenant)}
                for row in self.session.execute(of_table("row_of_owner", target.relation, **parts)):
                    names = (column.name for column in facts.columns)
                    facts.rows[tenant] = dict(zip(names, row, strict=True))
        return facts

    def _counted(self, target: Target) -> Composable:
        return of_table("rows_by_owner", target.relation, tenant=sql.ident(target.tenant))

    # --- what is shown ---

    def _look(self, target: Target, attacker: Actor, cast: Mapping[str, Actor]) -> None:
        """Without a filter one is shown one's own rows and the Platform's shared ones, and all of them."""
        readable = AS_TENANT.readable(attacker, self.inventory.platform_id, shared=target.shared)
        with self._as(attacker):
            shown = dict(self.session.execute(self._counted(target)))
        with self.session.work():
            still = dict(self.session.execute(self._counted(target)))
        before = self.facts[target.relation].owners
        for owner in sorted({*shown, *cast} - readable):
            victim = cast.get(owner, Actor(owner, owner or "nobody"))
            leaked = shown.get(owner, 0)
            self._note(target, attacker, victim, "select without filter", LEAK if leaked else HELD, f"{leaked:,} rows")
        for owner in readable:
            lost = min(before.get(owner, 0), still.get(owner, 0)) - shown.get(owner, 0)
            if lost > 0:
                whose = "its own" if owner == attacker.id else "the Platform's"
                detail = f"is not shown {lost:,} of {whose} rows"
                self.report.hidden.append({"attacker": attacker.name, "what": target.name, "detail": detail})

    def _each_shard(self, target: Target) -> None:
        """A node that comes without a tenant: no shard shows it another row than the Platform's shared ones."""
        shared = [self.inventory.platform_id] if target.shared else []
        parts = {"column": sql.ident(target.tenant), "shared": sql.literal(shared)}
        command = sql.literal(sql.text_of(query("rows_of_shard", **parts)))
        asked = query("on_each_shard", name=sql.literal(target.relation), command=command)
        with self._as(NOBODY):
            found = self.session.execute(asked)
        for node, shard, success, result in found:
            victim = Actor("", f"everybody on {node}")
            verb = f"select from shard {shard}"
            if not success:
                refused = "permission denied" in str(result)
                self._note(target, NOBODY, victim, verb, HELD if refused else NOT_TRIED, str(result))
            else:
                self._note(target, NOBODY, victim, verb, LEAK if int(result) else HELD, f"{result} rows")

    # --- attacks by key ---

    def _attack(self, target: Target, attacker: Actor, victim: Actor) -> None:
        facts = self.facts[target.relation]
        theirs, mine = facts.rows.get(victim.id), facts.rows.get(attacker.id)
        if theirs is None:
            self.report.leave_out(f"{victim.name}'s rows of {target.name}", "it has none there")
        else:
            shared = target.shared and victim.id == self.inventory.platform_id
            for verb, statement in self._by_key(target, theirs):
                self._try(target, attacker, victim, verb, statement, allowed=shared and verb == "select by key")
            if target.writable:
                self._forge(target, attacker, victim, theirs)
        if target.writable and mine is not None and attacker.id:
            self._give_away(target, attacker, victim, mine)
            if victim.id != self.inventory.platform_id:
                self._refer(target, attacker, victim, mine)

    def _by_key(self, target: Target, row: Row) -> Iterator[tuple[str, Composable]]:
        parts = {"row": self._is(target, row), "tenant": sql.ident(target.tenant)}
        yield "select by key", of_table("read_row", target.relation, **parts)
        if target.writable:
            owner = sql.compose("t.{tenant} = {id}::uuid", tenant=parts["tenant"], id=sql.literal(row[target.tenant]))
            whole = parts | {"row": sql.join([parts["row"], owner], " AND ")}  # Citus locks rows of one shard only
            yield "select for update", of_table("lock_row", target.relation, **whole)
            column = {"column": sql.ident(self._plain(target))}
            yield "update by key", of_table("touch_row", target.relation, **column, **parts)
            yield "delete by key", of_table("delete_row", target.relation, **parts)

    def _plain(self, target: Target) -> str:
        """A column that is neither the tenant nor of the key."""
        names = [one.name for one in self.facts[target.relation].columns if not one.is_generated]
        return next((name for name in names if name not in (target.tenant, *target.key)), names[0])

    def _is(self, target: Target, row: Row) -> Composable:
        kinds = {one.name: one.kind for one in self.facts[target.relation].columns}
        same = [
            sql.compose(
                "{column} = {value}::{kind}",
                column=sql.column("t", name),
                value=sql.literal(row[name]),
                kind=sql.verbatim(kinds[name]),
            )
            for name in target.key
        ]
        return sql.join(same, " AND ")

    def _forge(self, target: Target, attacker: Actor, victim: Actor, theirs: Row) -> None:
        """A row in the victim's name is refused by the policies; the same in one's own name is not."""
        if attacker.id:
            own = self._outcome(attacker, self._insertion(target, theirs, attacker.id))
            if own == REFUSED:
                self._note(target, attacker, victim, "insert in its name", NOT_TRIED, "its own row is refused, too")
                return
        self._try(target, attacker, victim, "insert in its name", self._insertion(target, theirs, victim.id))

    def _insertion(self, target: Target, like: Row, owner: str) -> Composable:
        columns = [one for one in self.facts[target.relation].columns if not one.is_generated]
        values = []
        for one in columns:
            text = like[one.name]
            if one.name in target.key:
                text = str(uuid4()) if one.kind in ("uuid", "text") or "char" in one.kind else "2147483000"
            text = owner if one.name == target.tenant else text
            values.append(sql.compose("{text}::{kind}", text=sql.literal(text), kind=sql.verbatim(one.kind)))
        rows = sql.compose("({values})", values=sql.join(values))
        names = sql.join(sql.ident(one.name) for one in columns)
        return of_table("forge_row", target.relation, columns=names, rows=rows)

    def _give_away(self, target: Target, attacker: Actor, victim: Actor, mine: Row) -> None:
        parts = {"row": self._is(target, mine), "tenant": sql.ident(target.tenant)}
        owner = sql.compose("{id}::uuid", id=sql.literal(victim.id))
        statement = of_table("give_row", target.relation, owner=owner, **parts)
        stays = {STAYS_ON_ITS_NODE} if self.form.placement.get(target.relation) == DISTRIBUTED else set()
        self._try(target, attacker, victim, "give an own row away", statement, refusals={REFUSED, *stays})

    def _refer(self, target: Target, attacker: Actor, victim: Actor, mine: Row) -> None:
        """An own row that refers to the victim's: the guard refuses it, or the key that holds the tenant."""
        for one in self.references:
            parent = self.by_name.get(sql.names(one.parent))
            if sql.names(one.child) != sql.names(target.relation) or parent is None or not parent.writable:
                continue
            pairs = [(own, of) for own, of in zip(one.own, one.key, strict=True) if own != target.tenant]
            theirs, verb = self.facts[parent.relation].rows.get(victim.id), f"refer to its row by {one.name}"
            if theirs is None or not pairs:
                self.report.leave_out(f"{verb} from {target.name}", f"{victim.name} has no row in {parent.name}")
                continue
            kinds = {column.name: column.kind for column in self.facts[parent.relation].columns}
            given = [
                sql.compose(
                    "{own} = {value}::{kind}",
                    own=sql.ident(own),
                    value=sql.literal(theirs[of]),
                    kind=sql.verbatim(kinds[of]),
                )
                for own, of in pairs
            ]
            parts = {"row": self._is(target, mine), "assignments": sql.join(given)}
            statement = of_table("refer_to_row", target.relation, **parts)
            self._try(target, attacker, victim, verb, statement, refusals={BROKEN_REFERENCE, REFUSED})

    # --- trying it ---

    @contextmanager
    def _as(self, actor: Actor) -> Iterator[None]:
        """A transaction of vital_tenant's from its first statement on."""
        with self.session.connection.transaction():
            parts = {"role": sql.literal(TENANT_ROLE), "tenant": sql.literal(actor.id)}
            self.session.execute(query("be_tenant_everywhere", **parts))
            yield

    def _try(
        self,
        target: Target,
        attacker: Actor,
        victim: Actor,
        verb: str,
        statement: Composable,
        *,
        allowed: bool = False,
        refusals: frozenset[str] | set[str] = frozenset((REFUSED,)),
    ) -> None:
        outcome = self._outcome(attacker, statement)
        if isinstance(outcome, int):
            held = not outcome or allowed
            self._note(target, attacker, victim, verb, HELD if held else LEAK, SHARED if outcome and held else "")
        elif outcome in refusals:
            self._note(target, attacker, victim, verb, HELD)
        else:
            self._note(target, attacker, victim, verb, NOT_TRIED, f"refused for another reason: {outcome}")

    def _outcome(self, attacker: Actor, statement: Composable) -> int | str:
        """How many rows it touched, or the SQLSTATE by which it was refused; it is taken back."""
        touched = 0
        try:
            with self._as(attacker):
                touched = self.session.connection.execute(statement.as_bytes(self.session.connection), {}).rowcount
                raise _RollBack
        except _RollBack:
            return touched
        except psycopg.Error as error:
            return str(error.sqlstate)

    def _note(self, target: Target, attacker: Actor, victim: Actor, verb: str, outcome: str, detail: str = "") -> None:
        if outcome == NOT_TRIED:
            self.report.leave_out(f"{verb} on {target.name}", detail)
        said = detail if outcome != HELD or detail == SHARED else ""
        self.report.add(Attempt(attacker.name, victim.name, "table", target.name, verb, outcome, said))
