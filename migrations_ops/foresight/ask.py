"""What the database says: what is known of each table, and what will become of its rows, each table in one transaction
of its own, so that nobody waits for a preview."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from psycopg.sql import Composable

from migrations_ops.engine import checks, locks, sql
from migrations_ops.engine.assignment import Assignment
from migrations_ops.engine.errors import EngineError
from migrations_ops.engine.session import Session
from migrations_ops.engine.steps import Problem
from migrations_ops.foresight.rows import EARLY, LATE, QUERIES, Foresight, Known, match_of
from migrations_ops.phases import pre_validation
from migrations_ops.phases.assignments import assign
from migrations_ops.phases.queries import query
from migrations_ops.rules.load import PHASES
from migrations_ops.rules.model import TENANT_COLUMN, Plan, TableSpec

Waiting = Callable[[str], None]
T = TypeVar("T")


class PlanDoesNotFit(EngineError):
    """The plan does not fit this database: {what}. Nothing was changed. Mend the plan (--plan FILE), or name another
    database in DATABASE_URL."""

    exit_code = 2


@dataclass(frozen=True)
class Reference:
    """A foreign key from one table of the plan to another."""

    column: str
    parent: str
    key: str


@dataclass(frozen=True)
class Group:
    """Rows with the same fate: their tenant now and after, the rule that decides (a number), every rule that matches,
    and where they will refer to another customer's rows (reference → that customer). `keys` are two of them."""

    now: str | None
    after: str | None
    rule: int | None
    matches: tuple[int, ...]
    across: dict[Reference, str]
    rows: int
    keys: tuple[str, ...] = field(default=())


def refuse_what_does_not_fit(session: Session, plan: Plan) -> None:
    """Raise PlanDoesNotFit where a table or column is missing, or policies would hide rows."""
    for check in (*pre_validation.fits(plan), pre_validation.unfiltered(plan)):
        problems: list[Problem] = checks.ask(session, check)
        if problems:
            first = f"{problems[0].relation}: {problems[0].message}"
            more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
            raise PlanDoesNotFit(what=first + more, problems=problems)


class Asking:
    """One plan and one database."""

    def __init__(self, session: Session, plan: Plan, waiting: Waiting) -> None:
        self.session, self.plan, self.waiting = session, plan, waiting
        self.is_set_up = bool(session.named("is_set_up")[0][0])
        self.foresight = Foresight(plan, {spec.relation: self._known(spec) for spec in plan.tables})
        self.references = self._references()

    def _known(self, spec: TableSpec) -> Known:
        there = any(column.name == TENANT_COLUMN for column in self.session.columns(spec.relation))
        if not self.is_set_up:
            return Known(there, False, False)
        facts = {"relation": spec.relation}
        baseline = bool(self.session.value(QUERIES["has_baseline"], facts))
        return Known(there, True, baseline, tuple(self._changed(spec)) if there else ())

    def _changed(self, spec: TableSpec) -> Iterator[str]:
        """The phases that have decided rows by other rules than the plan's."""
        for phase, rules in ((EARLY, PHASES[:1]), (LATE, PHASES)):
            if phase == EARLY and not any(rule.phase == EARLY for rule in spec.rules):
                continue
            step = assign(self.plan, spec, rules)
            digest = Assignment(self.session, step).digest
            facts = {"relation": spec.relation, "phase": phase, "step": step.name, "digest": digest}
            if self.session.named("decided_by_other_rules", facts)[0][0]:
                yield phase

    def _references(self) -> dict[str, list[Reference]]:
        tables = sql.literal([spec.relation for spec in self.plan.tables])
        found: dict[str, list[Reference]] = {}
        for child, *reference in self.session.execute(query("foreign_keys_between", tables=tables)):
            found.setdefault(child, []).append(Reference(*reference))
        return found

    def short(self, relations: Sequence[str], work: Callable[[], T]) -> T:
        """Ask in a transaction that never waits for a lock for long."""

        def transaction() -> T:
            with self.session.work():
                return work()

        return locks.retried(self.session, tuple(relations), transaction, self.waiting)

    def groups(self, spec: TableSpec) -> list[Group]:
        """All rows of the table by what will become of them."""
        references = self.references.get(spec.relation, [])
        statement = self.statement(spec, references)
        found = self.short([spec.relation], partial(self.session.execute, statement))
        return [_group(spec, references, row) for row in found]

    def statement(self, spec: TableSpec, references: Sequence[Reference]) -> Composable:
        """The one question about a table."""
        followed = {
            (rule.parent.column, rule.parent.table, rule.parent.key): rule.number for rule in spec.rules if rule.parent
        }
        tenants, joins = [], []
        for number, one in enumerate(references):
            rule = followed.get((one.column, one.parent, one.key))
            tenants.append(sql.raw(f"t.vital_parent_{rule}" if rule else f"across_{number}.vital_after"))
            if not rule:
                joins.append(self._joined(one, f"across_{number}"))
        grouped: list[Composable] = [sql.raw(f"t.{name}") for name in ("vital_now", "vital_after", "vital_rule")]
        grouped += [sql.raw(f"t.{match_of(rule)}") for rule in spec.rules]
        platform = sql.literal(self.plan.platform_id)
        grouped += [sql.compose(QUERIES["foreign_tenant"], parent=tenant, platform=platform) for tenant in tenants]
        return sql.compose(
            QUERIES["foreseen_groups"],
            grouped=sql.join(grouped),
            key=sql.key_text("t", spec.table.key),
            rows=self.foresight.rows(spec.relation),
            joins=sql.join(joins, "\n"),
            places=sql.join(sql.raw(str(place)) for place in range(1, len(grouped) + 1)),
        )

    def _joined(self, reference: Reference, alias: str) -> Composable:
        return sql.compose(
            QUERIES["joined_parent"],
            rows=self.foresight.rows(reference.parent),
            alias=sql.ident(alias),
            key=sql.ident(reference.key),
            reference=sql.column("t", reference.column),
        )


def _group(spec: TableSpec, references: Sequence[Reference], row: tuple[Any, ...]) -> Group:
    now, after, rule, *rest = row
    matched, rest = rest[: len(spec.rules)], rest[len(spec.rules) :]
    tenants, (rows, first, last) = rest[: len(references)], rest[len(references) :]
    return Group(
        now=str(now) if now else None,
        after=str(after) if after else None,
        rule=rule,
        matches=tuple(one.number for one, matches in zip(spec.rules, matched, strict=True) if matches),
        across={one: str(tenant) for one, tenant in zip(references, tenants, strict=True) if tenant},
        rows=rows,
        keys=(first,) if first == last else (first, last),
    )
