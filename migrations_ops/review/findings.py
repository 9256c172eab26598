"""Which rows people should look at: counted by table and check, and one by one, as they stand now. It only reads.

The store keeps the first ten thousand of a check. Where it found more, the check itself is asked again, row by row.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, islice
from typing import Any

from psycopg.sql import Composable

from migrations_ops.engine import checks
from migrations_ops.engine.session import Session
from migrations_ops.engine.steps import Check, Phase
from migrations_ops.review.queries import QUERIES, ask, same_row
from migrations_ops.rules.model import TENANT_COLUMN, Plan, TableSpec
from migrations_ops.rules.plan_tables import has_tenant_column, named
from vital.db import sql
from vital.db.sql import shown

AT_ONCE = 2_000
SETTLED = ("person", "unmatched")  # kinds that a tenant settles: the row has none
REFUSING = "failing"  # the kind of rows that have refused their tenant: another one than they had then settles it
OF_TENANTS = (*SETTLED, REFUSING, "reference")  # kinds that there are only while rows can have a tenant


@dataclass(frozen=True)
class Wanted:
    """Which findings: of a table, of a check (its kind, or a part of its name)."""

    table: str = ""
    check: str = ""


@dataclass(frozen=True)
class Group:
    """The findings of one check about one table. `kept`: the store has all of them."""

    table: str
    check: str
    kind: str
    severity: str
    blocking: bool
    open: int
    decided: int
    gone: int | None
    kept: bool
    found_at: datetime

    @property
    def count(self) -> int:
        return self.open + self.decided + (self.gone or 0)

    @property
    def name(self) -> str:
        """The table as people say it."""
        return shown(self.table)

    def document(self) -> dict[str, Any]:
        values = {name: getattr(self, name) for name in ("check", "kind", "severity", "blocking")}
        counts = {name: getattr(self, name) for name in ("open", "decided", "gone", "kept")}
        return {"table": self.name, **values, **counts, "found_at": self.found_at.isoformat()}


def document(findings: "Findings", limit: int) -> dict[str, Any]:
    """The groups, and the first single findings: for REST, the admin and the command line."""
    groups = findings.groups()
    rows = list(islice(chain.from_iterable(map(findings.rows, groups)), limit))
    left_out = sum(group.count for group in groups) - len(rows)
    return {"findings": [group.document() for group in groups], "rows": rows, "left_out": left_out}


def to_decide(findings: "Findings") -> Iterator[dict[str, Any]]:
    """Every open finding about a row of the plan's tables, that a person may decide about."""
    for group in findings.groups():
        if group.open:
            yield from (row for row in findings.rows(group) if row["key"] and row["state"] == "open")


class Findings:
    """What the last checks found, as it stands now."""

    def __init__(self, session: Session, plan: Plan, phases: Iterable[Phase], wanted: Wanted) -> None:
        self.session, self.wanted = session, wanted
        steps = [step for phase in phases for step in phase.steps]
        self.checks = {step.name: step for step in steps if isinstance(step, Check) and step.kind}
        self.kinds = {name: check.kind for name, check in self.checks.items()}
        self.specs = {spec.relation: spec for spec in plan.tables}
        self.only = {named(plan, wanted.table).relation} if wanted.table else None

    def groups(self) -> list[Group]:
        """In the plan's order of tables."""
        with self.session.work():
            found = {relation for (relation,) in ask(self.session, "finding_tables")}
        if self.only is not None:
            found &= self.only
        totals = {check: stored < total for check, total, stored in ask(self.session, "found_in_all")}
        return [group for relation in self.specs if relation in found for group in self._groups_of(relation, totals)]

    def rows(self, group: Group) -> Iterator[dict[str, Any]]:
        """Each finding of the group, one after the other."""
        facts = {"table": group.name, "check": group.check, "kind": group.kind}
        for key, message, state in self._kept(group) if group.kept else self._live(group.table, group.check):
            yield facts | {"key": key, "message": message, "state": state}

    def _groups_of(self, relation: str, capped: dict[str, bool]) -> Iterator[Group]:
        with self.session.work():
            counted = ask(self.session, "counts_by_state", states=self.states(relation))
            has_column = has_tenant_column(self.session, self.specs[relation])  # else nothing can be asked of its rows
        for name, severity, found_at, still, decided, gone in counted:
            kind = self.kinds.get(name)
            if kind is None or (self.wanted.check and self.wanted.check != kind and self.wanted.check not in name):
                continue
            blocking = severity == "FAIL" or (kind in (*SETTLED, REFUSING) and self.specs[relation].critical)
            counts: tuple[int, int, int | None] = (still, decided, gone)
            kept = not (capped.get(name, False) and has_column)
            if not kept:
                counts = (*self._counted_live(relation, name), None)
            yield Group(relation, name, kind, severity, blocking, *counts, kept, found_at)

    def states(self, relation: str) -> Composable:
        """The kept findings about a table, each with its state, as a subquery."""
        spec = self.specs[relation]
        if not self.session.columns(relation):  # 000 has found that it is missing: what was found about it stays open
            parts: dict[str, Composable] = {
                "relation": sql.raw("(SELECT false AS is_there WHERE false)"),
                "key": sql.raw("t.is_there"),
            }
            parts |= {"settled": sql.literal([]), "refusing": sql.literal([]), "tenant_before": sql.raw("false")}
            parts |= {"unassigned": sql.raw("false"), "same_row": sql.raw("false")}
            return sql.compose(QUERIES["states"], name=sql.literal(relation), **parts)
        has_column = has_tenant_column(self.session, spec)
        kinds = SETTLED if has_column else OF_TENANTS
        before = (
            [sql.raw("refused.before = "), sql.jsonb_of("t", [TENANT_COLUMN])] if has_column else [sql.raw("false")]
        )
        return sql.compose(
            QUERIES["states"],
            name=sql.literal(relation),
            relation=sql.relation(relation),
            key=sql.column("t", spec.table.key[0]),
            settled=sql.literal([name for name, kind in self.kinds.items() if kind in kinds]),
            refusing=sql.literal([name for name, kind in self.kinds.items() if kind == REFUSING]),
            tenant_before=sql.join(before, ""),
            unassigned=self._unassigned(spec),
            same_row=same_row(self.session, spec, sql.compose(QUERIES["finding_key"])),
        )

    def _unassigned(self, spec: TableSpec) -> Composable:
        """Predicate on `t`: the row has no tenant. Where nothing can have one, nobody waits for it either."""
        if not has_tenant_column(self.session, spec):
            return sql.raw("false")
        return sql.column("t", TENANT_COLUMN) + sql.raw(" IS NULL")

    def _kept(self, group: Group) -> Iterator[tuple[str, str, str]]:
        statement = sql.compose(QUERIES["kept_findings"], states=self.states(group.table))
        after = 0
        while True:
            with self.session.work():
                page = self.session.execute(statement, {"check": group.check, "after": after, "rows": AT_ONCE})
            if not page:
                return
            yield from ((key, message, state) for _, key, message, state, _ in page)
            after = page[-1][0]

    def _live(self, relation: str, name: str) -> Iterator[tuple[str, str, str]]:
        """The check's own answer, each row with whether somebody has decided about it by now."""
        problems = (found for found in checks.every(self.session, self.checks[name]) if found.relation == relation)
        while page := list(islice(problems, AT_ONCE)):
            facts = {"relation": relation, "keys": [problem.key for problem in page]}
            decided = {key for (key,) in ask(self.session, "decided_among", facts)}
            yield from ((each.key, each.message, "decided" if each.key in decided else "open") for each in page)

    def _counted_live(self, relation: str, name: str) -> tuple[int, int]:
        """(open, decided)"""
        if self.kinds[name] in SETTLED:
            spec = self.specs[relation]
            parts = {"relation": sql.relation(relation), "name": sql.literal(relation)}
            key, unassigned = sql.key_text("t", spec.table.key), self._unassigned(spec)
            with self.session.work():
                still, decided = ask(self.session, "unassigned_by_state", key=key, unassigned=unassigned, **parts)[0]
            return int(still), int(decided)
        states = Counter(state for _, _, state in self._live(relation, name))
        return states["open"], states["decided"]
