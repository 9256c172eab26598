"""A person decides about rows: all of them or none, weighed against what is there, each with a line in the audit."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Any
from uuid import UUID

import psycopg

from migrations_ops.engine.session import Session
from migrations_ops.phases.queries import query, short
from migrations_ops.review.queries import ask
from migrations_ops.review.validate import Weighed, weigh
from migrations_ops.rules.model import Plan, TableSpec
from migrations_ops.rules.plan_tables import by_name, has_tenant_column
from vital.db import retry, sql
from vital.db.sql import shown
from vital.errors import EngineError, Problem

AT_ONCE = 5_000  # decisions that are weighed and written by one statement


@dataclass(frozen=True)
class Decision:
    """What a person says about one row. `line` is its place in a file, 0 where there is none."""

    line: int
    table: str
    key: str
    tenant: str
    reason: str


Source = Callable[[], Iterable[Decision]]


class NotToDecide(EngineError):
    """{count} of these decisions cannot be made. Nothing was written, also of the others. Correct the ones that are
    listed and decide again."""

    exit_code = 2


class DecidedMeanwhile(EngineError):
    """One of these rows has been decided since they were shown, or the file has changed. Nothing was written.
    Look again, and decide then."""


@dataclass
class Recorded:
    """What decisions come to. `moment` marks those that were written; `token` stands for what they were weighed
    against."""

    moment: datetime
    new: int = 0
    unchanged: int = 0
    left_empty: int = 0
    overruled: int = 0
    moves: Counter[tuple[str, str | None, str]] = field(default_factory=Counter)
    problems: list[tuple[int, Problem]] = field(default_factory=list)
    token: Any = field(default_factory=hashlib.sha256)

    def document(self) -> dict[str, Any]:
        moves = [
            {"table": shown(table), "from": before, "to": after, "rows": rows}
            for (table, before, after), rows in sorted(self.moves.items(), key=str)
        ]
        counts = {name: getattr(self, name) for name in ("new", "unchanged", "left_empty", "overruled")}
        return {"decisions": counts, "moves": moves, "token": self.token.hexdigest()}

    def relations(self) -> set[str]:
        return {table for table, _, _ in self.moves}


def record(
    session: Session, plan: Plan, source: Source, who: str, *, seen: str, dry_run: bool, waiting: Callable[[str], None]
) -> Recorded:
    """Write the decisions, or only weigh them. `seen` is the token of what was shown, where something was.

    Raises NotToDecide with every line that does not hold, and DecidedMeanwhile.
    """
    return retry.retried(
        session, ("vital.override",), partial(_record, session, plan, source, who, seen, dry_run), waiting
    )


def _record(session: Session, plan: Plan, source: Source, who: str, seen: str, dry_run: bool) -> Recorded:
    with session.work():
        ask(session, "nobody_else_decides")
        recording = _Recording(session, plan, who)
        for chunk in _chunks(source()):
            recording.add(chunk)
        recorded = recording.recorded
        if recorded.problems:
            problems = [problem for _, problem in sorted(recorded.problems, key=lambda found: found[0])]
            raise NotToDecide(count=len(problems), problems=problems)
        if seen and seen != recorded.token.hexdigest():
            raise DecidedMeanwhile
        if dry_run:
            raise psycopg.Rollback
    return recorded


def _chunks(decisions: Iterable[Decision]) -> Iterator[list[Decision]]:
    rest = iter(decisions)
    while chunk := list(islice(rest, AT_ONCE)):
        yield chunk


class _Recording:
    """Decisions on their way into the database, inside one transaction."""

    def __init__(self, session: Session, plan: Plan, who: str) -> None:
        self.session, self.plan, self.who = session, plan, who
        self.recorded = Recorded(ask(session, "moment")[0][0])
        self.tables = by_name(plan)
        self.slugs = {tenant.id: tenant.slug for tenant in plan.tenants}
        self.slugs |= dict(session.execute(query("slugs_of_tenants", relation=sql.relation(plan.registry))))
        self.tenants = {name: identity for identity, slug in self.slugs.items() for name in (slug, identity)}
        self.has_column = {spec.relation: has_tenant_column(session, spec) for spec in plan.tables}

    def add(self, chunk: list[Decision]) -> None:
        by_table: dict[str, list[tuple[Decision, str]]] = {}
        for decision in chunk:
            self.recorded.token.update(repr(decision).encode())
            if not decision.tenant and not decision.reason:
                self.recorded.left_empty += 1
                continue
            tenant = self._tenant(decision.tenant)
            if wrong := self._wrong(decision, tenant):
                self._complain(decision, "; ".join(wrong))
                continue
            by_table.setdefault(self.tables[decision.table].relation, []).append((decision, tenant))
        for relation, given in by_table.items():
            self._of_table(self.plan.table(relation), given)

    def _tenant(self, name: str) -> str:
        """The id of the tenant with this slug or id; empty where there is none."""
        try:
            return self.tenants.get(str(UUID(name)), "")
        except ValueError:
            return self.tenants.get(name, "")

    def _wrong(self, decision: Decision, tenant: str) -> list[str]:
        """What can be said without a look at the row."""
        return [
            *([] if decision.table in self.tables else [f"the plan has no table {decision.table or '(empty)'}"]),
            *([] if tenant else [f"there is no tenant {decision.tenant or '(empty)'}"]),
            *([] if decision.reason else ["there is no reason"]),
            *(["there is a NUL sign in it"] if "\0" in decision.key + decision.reason else []),
        ]

    def _complain(self, decision: Decision, message: str) -> None:
        where = f"line {decision.line}: " if decision.line else ""
        problem = Problem(decision.table, decision.key, where + message)
        self.recorded.problems.append((decision.line, problem))

    def _of_table(self, spec: TableSpec, given: list[tuple[Decision, str]]) -> None:
        asked = [(number, decision.key, tenant) for number, (decision, tenant) in enumerate(given)]
        found = weigh(self.session, spec, asked, has_column=self.has_column[spec.relation])
        good: dict[str, tuple[Decision, str, Weighed]] = {}
        for number, (decision, tenant) in enumerate(given):
            row = found.get(number)
            if row is None:
                self._complain(decision, f"{short(spec.relation)} has no such row")
            elif row.again or row.key in good:
                self._complain(decision, "a line before it is about the same row")
            elif row.taken:
                self._complain(decision, f"{decision.tenant} has another row with the same unique key")
            else:
                good[row.key] = (decision, tenant, row)
                self._count(spec, decision, tenant, row)
        if good:  # also where others are wrong: a later line about the same row is to be noticed
            self._write(spec, good)

    def _count(self, spec: TableSpec, decision: Decision, tenant: str, row: Weighed) -> None:
        self.recorded.token.update(repr(row.standing).encode())
        if row.says(tenant, decision.reason):
            self.recorded.unchanged += 1
            return
        self.recorded.new += 1
        self.recorded.overruled += row.standing is not None
        before = self.slugs.get(row.tenant, row.tenant) if row.tenant else None
        self.recorded.moves[spec.relation, before, self.slugs[tenant]] += 1

    def _write(self, spec: TableSpec, good: dict[str, tuple[Decision, str, Weighed]]) -> None:
        columns = {
            "keys": list(good),
            "tenants": [tenant for _, tenant, _ in good.values()],
            "reasons": [decision.reason for decision, _, _ in good.values()],
            "before": [row.tenant for _, _, row in good.values()],
            "news": [not row.says(tenant, decision.reason) for decision, tenant, row in good.values()],
        }
        ask(self.session, "write", {"relation": spec.relation, "who": self.who} | columns)
