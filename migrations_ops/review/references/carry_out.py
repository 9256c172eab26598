"""References are resolved in one transaction: what was shown is found again, rows change on the engine's own path with
their ledger, decisions keep them there, and the audit says who and why. Killed before its end, nothing has happened."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.sql import Composable

from migrations_ops.engine import backfill, inserts
from migrations_ops.engine.events import Outcome as StepOutcome
from migrations_ops.engine.session import Session
from migrations_ops.engine.steps import Assign, Insert
from migrations_ops.engine.tracking import StepRecord
from migrations_ops.phases.queries import short
from migrations_ops.review import apply, queries
from migrations_ops.review.cascade import follow
from migrations_ops.review.reference_ways import ACCEPT, COPY, REFERENCE_WAYS
from migrations_ops.review.references import copying, moving
from migrations_ops.review.references.documents import document
from migrations_ops.review.references.graph import Graph, Group, Row, by_table, chunks
from migrations_ops.review.references.outcome import Copy, Outcome, Values
from migrations_ops.review.references.queries import QUERIES, ask
from migrations_ops.rules.model import TENANT_COLUMN, Plan, TableSpec
from migrations_ops.rules.plan_tables import named
from tenants import audit
from vital.counts import counted
from vital.db import retry, sql
from vital.db.sql import shown
from vital.errors import EngineError, OutOfOrder, hint, require_reason

RESOLVED = "resolve references"
POINTED = "refers to a copy"
FEW = 500  # rows that one statement gives values to: they stand in it
SAID = ("table", "columns", "tenant", "parent", "parent_tenant", "way", "references", "moves", "copies", "exposes")
MOST = 5_000  # references that are resolved in one transaction
Say = Callable[[str], None]


class NoSuchReferences(EngineError):
    """{what}. Nothing was changed. The groups there are: ./manage.py migrate_tenants resolve"""

    exit_code = 2


class NotToResolve(EngineError):
    """These references cannot be resolved so: {why}. Nothing was changed. {advice}"""

    exit_code = 2


class ChangedMeanwhile(EngineError):
    """What was shown is not so any more: {what}. Nothing was changed. Look again, and resolve then."""


@dataclass(frozen=True)
class Wanted:
    """References of a table by these columns, from one tenant's rows to another's; of the rows `keys` alone, where some
    are named. `follow`: moved or shared rows take along what they refer to."""

    table: str
    columns: str
    tenant: str
    parent_tenant: str
    way: str
    keys: tuple[str, ...] = ()
    follow: bool = False


def groups(session: Session, plan: Plan, table: str = "", key: str = "") -> tuple[Graph, list[Group]]:
    """The groups of references into another tenant that are open; those of one row, where one is named."""
    with session.work():
        graph = Graph(session, plan)
        return graph, list(graph.groups_of_row((named(plan, table).relation, key)) if table else graph.groups())


def resolutions(session: Session, plan: Plan, most: int) -> list[dict[str, Any]]:
    """The last resolutions of which something stands, the newest first."""
    with session.work():
        found = ask(session, "standing_resolutions", {"action": RESOLVED, "rows": most})
    return [
        {name: facts[name] for name in ("number", *SAID)} | {"by": who, "at": at.isoformat(), "reason": reason}
        for facts, who, at, reason in found
    ]


def preview(session: Session, plan: Plan, wanted: Wanted) -> dict[str, Any]:
    """What it comes to; `refused` says why it could not be carried out. Raises NoSuchReferences, TooManyRows."""
    with session.work():
        graph = Graph(session, plan)
        outcome, left = find(graph, wanted)
        return document(graph, outcome, left)


def resolve(
    session: Session, plan: Plan, wanted: Wanted, who: str, reason: str, *, seen: str, waiting: Say, say: Say
) -> dict[str, Any]:
    """Carry it out. `seen` is the token of what was shown.

    Raises NoSuchReferences, NotToResolve, ChangedMeanwhile, TooManyRows, ReasonRequired, AnotherRunIsActive.
    """
    reason = require_reason(reason, "Resolving references")
    work = _Resolution(session, plan, wanted, who, reason, seen, say)
    with session.run_lock():
        try:
            return retry.retried(session, (named(plan, wanted.table).relation,), work.transaction, waiting)
        except psycopg.IntegrityError as error:
            advice = "Correct these rows first, or resolve the references in another way."
            raise NotToResolve(why=error.diag.message_primary, advice=advice) from error


def find(graph: Graph, wanted: Wanted) -> tuple[Outcome, int]:
    """What it comes to, as things are now, and how many references of the group are open. In a transaction."""
    if wanted.way not in REFERENCE_WAYS:
        raise NoSuchReferences(
            what=f"There is no way {wanted.way!r}.{hint(wanted.way, REFERENCE_WAYS, 'The ways are')}"
        )
    group = _group(graph, wanted)
    resolves = graph.of_group(group, list(wanted.keys), MOST)
    if not resolves:
        what = (
            f"No row of {wanted.table} in {wanted.tenant} refers by {wanted.columns} to one in {wanted.parent_tenant}"
        )
        raise NoSuchReferences(what=what + (" under these keys" if wanted.keys else ""))
    outcome = Outcome(group, wanted.way, resolves)
    if wanted.way == COPY:
        copying.copy(graph, outcome)
    elif wanted.way != ACCEPT:
        moving.move(graph, outcome, follow=wanted.follow)
    return outcome, max(group.count, len(resolves))


def _group(graph: Graph, wanted: Wanted) -> Group:
    """The group with its count. Raises UnknownTable, NoSuchReferences."""
    spec = named(graph.plan, wanted.table)
    links = {link.columns: link for link in graph.links if link.child is spec}
    if wanted.columns not in links:
        advice = hint(wanted.columns, links, "It refers to tables of the plan by")
        raise NoSuchReferences(
            what=f"{shown(spec.relation)} refers by {wanted.columns!r} to no table of the plan.{advice}"
        )
    ids = {slug: tenant for tenant, slug in graph.slugs.items()} | {tenant: tenant for tenant in graph.slugs}
    for name in (wanted.tenant, wanted.parent_tenant):
        if name not in ids:
            raise NoSuchReferences(what=f"There is no tenant {name!r}.{hint(name, graph.slugs.values(), 'There are')}")
    link, tenant, other = links[wanted.columns], ids[wanted.tenant], ids[wanted.parent_tenant]
    found = {(one.tenant, one.other): one.count for one in graph.groups_by(link)}
    return Group(link, tenant, other, found.get((tenant, other), 0))


class _Resolution:
    """One resolution on its way into the database."""

    def __init__(
        self, session: Session, plan: Plan, wanted: Wanted, who: str, reason: str, seen: str, say: Say
    ) -> None:
        self.session, self.plan, self.wanted, self.who, self.reason = session, plan, wanted, who, reason
        self.seen, self.say = seen, say

    def transaction(self) -> dict[str, Any]:
        with self.session.work():
            queries.ask(self.session, "nobody_else_decides")
            graph = Graph(self.session, self.plan)
            outcome, left = find(graph, self.wanted)
            if self.seen and self.seen != outcome.token:
                raise ChangedMeanwhile(what=outcome.changed_since(self.seen))
            self._refuse(graph, outcome)
            self._hold(outcome)
            if outcome.way == COPY:
                copying.make(graph, outcome)
            changes = _Changes(self.session, graph, outcome, self.who, self.reason, self.say)
            changes.decide()
            self.session.as_applications()
            changes.move()
            changes.copy()
            changes.accept()
            done = document(graph, outcome, left) | {"number": changes.run, "changed": outcome.rows()}
            changes.note(done)
            ask(self.session, "wait_for_disk")
        return done

    def _refuse(self, graph: Graph, outcome: Outcome) -> None:
        if why := document(graph, outcome, 0)["refused"]:
            advice = "Resolve them in another way."
            if outcome.would_cross:
                advice = "Take along what these rows refer to (--follow), or resolve them in another way."
            raise NotToResolve(why="; ".join(why[:5]), advice=advice, problems=outcome.forbids)
        for relation in {relation for relation, _ in _rows(outcome)}:
            if apply.standing(self.session, self.plan, relation) is None:
                raise OutOfOrder(phase="resolve", needed=apply.PHASE)

    def _hold(self, outcome: Outcome) -> None:
        """Lock the rows. Raises ChangedMeanwhile where another session was faster."""
        rows = _rows(outcome)
        for relation, keys in by_table(rows):
            spec = self.plan.table(relation)
            for chunk in chunks(keys):
                held = ask(
                    self.session, "hold_rows", {"keys": chunk}, relation=sql.relation(relation),
                    key=sql.key_text("t", spec.table.key), same_row=given_row(self.session, spec),
                )  # fmt: skip
                if dict(held) != {key: rows[relation, key] for key in chunk}:
                    raise ChangedMeanwhile(what=f"another session has written to rows of {shown(relation)}")


class _Changes:
    """The changes of one resolution, inside its transaction. Its rows are held."""

    def __init__(self, session: Session, graph: Graph, outcome: Outcome, who: str, reason: str, say: Say) -> None:
        self.session, self.graph, self.plan, self.outcome = session, graph, graph.plan, outcome
        self.who, self.reason, self.say = who, reason, say
        self.moment: datetime = queries.ask(session, "moment")[0][0]
        self.run = int(queries.ask(session, "note_decision", {"who": who, "digest": self.plan.digest})[0][0])

    def decide(self) -> None:
        """Decisions of a person keep moved rows and copies where they are, whatever the rules say later."""
        tenants = {row: (move.before, move.after) for row, move in self.outcome.moves.items()}
        tenants |= {(copy.row[0], copy.key): ("", self.outcome.group.tenant) for copy in self.outcome.copies}
        for relation, keys in by_table(tenants):
            for chunk in chunks(keys):
                columns = {
                    "keys": chunk,
                    "tenants": [tenants[relation, key][1] for key in chunk],
                    "before": [tenants[relation, key][0] or None for key in chunk],
                    "reasons": [self.reason] * len(chunk),
                    "news": [True] * len(chunk),
                }
                queries.ask(self.session, "write", {"relation": relation, "who": self.who} | columns)

    def move(self) -> None:
        for relation, keys in by_table(self.outcome.moves):
            self.say(f"{shown(relation)}: {counted(len(keys), 'row')} to move")
            spec = self.plan.table(relation)
            follow(self.session, self.plan, spec, keys)
            step = apply.by_people(self.plan, spec)
            self._assign(step, [(chunk, step) for chunk in chunks(keys)])

    def copy(self) -> None:
        """Copies first, each after what it refers to; then what leads around a circle; then the children."""
        circles: dict[tuple[str, tuple[str, ...]], dict[str, Values]] = {}
        for relation, copies, later in copying.in_order(self.graph, self.outcome):
            self.say(f"{shown(relation)}: {counted(len(copies), 'row')} to copy")
            self._insert(relation, list(copies.values()), later)
            for row, names in later.items():
                values = copies[row].values
                of_kind = circles.setdefault((relation, tuple(sorted(names))), {})
                of_kind[copies[row].key] = {name: values[name] for name in names}
        for (relation, columns), by_key in circles.items():
            self._point(relation, columns, by_key)
        if self.outcome.way == COPY:
            link = self.outcome.group.link
            pointed = copying.pointed(self.outcome)
            self.say(f"{shown(link.child.relation)}: {counted(len(pointed), 'row')} to refer to copies")
            self._point(link.child.relation, link.key.own, pointed)

    def _insert(self, relation: str, copies: list[Copy], later: dict[Row, set[str]]) -> None:
        """Copies of a table's rows. Raises NotToResolve where not all of them can be."""
        step = self._copies(relation, copies, later)
        record = self._record(step)
        added = inserts.add(self.session, step, record)
        record.close(StepOutcome("done", rows_changed=added))
        if added != len(copies):
            why = (
                f"{len(copies) - added:,} of {len(copies):,} rows of {shown(relation)} have a unique key that is taken"
            )
            raise NotToResolve(why=why, advice="Resolve these references in another way.")
        keys = {"keys": [copy.row[1] for copy in copies], "copies": [copy.key for copy in copies]}
        facts = {"relation": relation, "tenant": self.outcome.group.tenant, "run": self.run}
        ask(self.session, "remember_copies", facts | keys)

    def _copies(self, relation: str, copies: list[Copy], later: dict[Row, set[str]]) -> Insert:
        spec = self.plan.table(relation)
        columns = [column.name for column in self.session.columns(relation) if not column.is_generated]
        changed = sorted({name for copy in copies for name in copy.changed})
        new = [[None if name in later.get(copy.row, ()) else copy.values[name] for copy in copies] for name in changed]
        values = {name: sql.compose("{v}", v=sql.column("given", name)) for name in changed}
        values[TENANT_COLUMN] = sql.compose("{v}", v=sql.literal(self.outcome.group.tenant))
        parts = given_values([copy.row[1] for copy in copies], changed, new)
        return Insert(
            name=f"copies of {short(relation)}",
            table=spec.table,
            columns=tuple(columns),
            rows=sql.compose(
                QUERIES["rows_to_copy"],
                relation=sql.relation(relation),
                values=sql.join(values.get(name, sql.column("t", name)) for name in columns),
                same_row=given_row(self.session, spec),
                **parts,
            ),
            rule=copying.COPIED,
            kind="copy",
        )

    def _point(self, relation: str, names: tuple[str, ...], values: dict[str, Values]) -> None:
        """Rows refer to others from now on: key → columns."""
        steps = [
            (keys, self._references(relation, names, {key: values[key] for key in keys}))
            for keys in chunks(values, FEW)
        ]
        self._assign(steps[0][1], steps)

    def _references(self, relation: str, names: tuple[str, ...], values: dict[str, Values]) -> Assign:
        spec = self.plan.table(relation)
        own = sql.key_text("t", spec.table.key)
        return Assign(
            name=f"references of {short(relation)} by {', '.join(names)}",
            table=spec.table,
            columns=names,
            verdict=sql.compose(
                QUERIES["verdict_of_references"],
                values=sql.join(sql.column("given", name) for name in names),
                rule=sql.literal(POINTED),
                key=sql.key_text("batch", spec.table.key),
                **given_values(list(values), names, [[one[name] for one in values.values()] for name in names]),
            ),
            open=sql.compose("{own} = ANY({keys}::text[])", own=own, keys=sql.literal(list(values))),
            kind="reference",
        )

    def _assign(self, first: Assign, steps: list[tuple[list[str], Assign]]) -> None:
        """Each of the rows or none. Raises ChangedMeanwhile."""
        record = self._record(first)
        changed = sum(backfill.in_transaction(self.session, step, record, keys) for keys, step in steps)
        record.close(StepOutcome("done", rows_changed=changed))
        if changed != sum(len(keys) for keys, _ in steps):
            raise ChangedMeanwhile(what=f"rows of {shown(first.table.relation)} do not take the change")

    def _record(self, step: Assign | Insert) -> StepRecord:
        phase_run = apply.standing(self.session, self.plan, step.table.relation)
        assert phase_run is not None, "asked before"
        return StepRecord.open(self.session, phase_run, self.run, apply.PHASE, step.name, step.table.relation)

    def accept(self) -> None:
        if self.outcome.way == ACCEPT:
            tenants = {"tenant": self.outcome.group.tenant, "other": self.outcome.group.other}
            rows = {"keys": [one.child[1] for one in self.outcome.resolves]}
            rows["parents"] = [one.parent[1] for one in self.outcome.resolves]
            ask(self.session, "accept_references", self._facts() | tenants | rows | {"reason": self.reason})

    def _facts(self) -> dict[str, Any]:
        link = self.outcome.group.link
        return {"relation": link.child.relation, "columns": link.columns, "run": self.run, "who": self.who}

    def note(self, document: dict[str, Any]) -> None:
        """What was found is settled; and the audit has what an undo needs to know."""
        keys = [one.child[1] for one in self.outcome.resolves]
        ask(self.session, "settle_findings", self._facts() | {"keys": keys})
        uses = sorted({run for _, _, run in self.outcome.reuses.values()})
        facts = {"number": self.run, "moment": self.moment.isoformat(), "uses": uses}
        facts |= {name: document[name] for name in SAID} | {"overruled": self.outcome.overruled}
        audit.note(self.session, self.who, RESOLVED, self.reason, facts)


def _rows(outcome: Outcome) -> dict[Row, str]:
    """Every row that is changed, or read for it, with its version."""
    rows = {row: move.version for row, move in outcome.moves.items()}
    rows |= {copy.row: copy.version for copy in outcome.copies}
    return rows | {one.child: one.version for one in outcome.resolves}


def given_row(session: Session, spec: TableSpec) -> Composable:
    """`t` is the row that is given by its key."""
    return queries.same_row(session, spec, sql.column("given", "vital_key"))


def given_values(keys: list[str], names: Sequence[str], values: list[list[str | None]]) -> dict[str, Composable]:
    """The parts of a statement that gives texts for these columns to the rows of these keys."""
    arrays = [sql.compose("{v}::text[]", v=sql.literal(column)) for column in values]
    return {
        "keys": sql.literal(keys),
        "arrays": _each(arrays),
        "names": _each([sql.ident(name) for name in names]),
    }


def _each(parts: Iterable[Composable]) -> Composable:
    """Each behind a comma."""
    return sql.join([sql.compose(", {part}", part=part) for part in parts], "")
