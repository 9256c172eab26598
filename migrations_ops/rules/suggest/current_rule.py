"""What decides a row as the rules stand, in SQL: before the migration by the rules alone, then with what VITAL keeps.

`compile.verdict` reads VITAL's tables and the tenant columns of parents, and before the migration there are none; what
a condition means comes from `compile.condition` all the same.
"""

from pathlib import Path
from typing import Any

from psycopg.sql import Composable

from migrations_ops.engine.session import Session
from migrations_ops.rules.comparisons import condition
from migrations_ops.rules.compile import of_parent
from migrations_ops.rules.model import TENANT_COLUMN, Parent, Plan, Rule, TableSpec
from migrations_ops.rules.suggest.rule_groups import Family, fallback
from vital.db import sql

QUERIES = sql.load(Path(__file__).parent / "sql")
PERSON = -1
NOTHING = sql.raw("")
NOBODY = sql.raw("NULL::uuid")


class Standing:
    """The rows of a plan's tables with what decides them. Reads only, a statement at a time."""

    def __init__(self, session: Session, plan: Plan) -> None:
        self.session, self.plan = session, plan
        self.is_set_up = bool(session.named("is_set_up")[0][0])
        self._columns: dict[str, dict[str, str]] = {}

    def ask(self, name: str, params: sql.Params | None = None, **parts: Composable) -> list[tuple[Any, ...]]:
        """The rows of one of the workshop's queries, in a transaction of its own."""
        with self.session.work():
            return self.session.execute(sql.compose(QUERIES[name], **parts), params)

    def columns(self, relation: str) -> dict[str, str]:
        """The table's columns with their types."""
        if relation not in self._columns:
            self._columns[relation] = {column.name: column.kind for column in self.session.columns(relation)}
        return self._columns[relation]

    def estimate(self, relation: str) -> int:
        return int(self.ask("estimated_rows", relation=sql.relation(relation))[0][0][0]["Plan"]["Plan Rows"])

    def rows(self, family: Family, spec: TableSpec, percent: float = 100) -> Composable:
        """A query for every row, or that part of the pages, with `vital_number` and `vital_tenant`."""
        sample: Composable = NOTHING
        if percent < 100:  # always the same pages, so that the counts of one question fit those of the next
            sample = sql.compose("TABLESAMPLE SYSTEM ({p}) REPEATABLE (1)", p=sql.literal(round(percent, 6)))
        memory, person, is_open = self._memory(spec)
        return sql.compose(
            QUERIES["rows_with_their_rules"],
            relation=sql.relation(spec.relation),
            sample=sample,
            memory=memory,
            person=person,
            number=self._number(family, person, is_open),
            tenant=self._tenant_of_number(family, spec),
        )

    def _memory(self, spec: TableSpec) -> tuple[Composable, Composable, Composable]:
        """How VITAL's tables are joined, a person's decision, and whether the rules may decide the row."""
        is_open: Composable = sql.raw("true")
        if TENANT_COLUMN in self.columns(spec.relation):
            is_open = sql.compose("{tenant} IS NULL", tenant=sql.column("t", TENANT_COLUMN))
        if not self.is_set_up:
            return NOTHING, NOBODY, is_open
        key = sql.key_text("t", spec.table.key)
        memory: Composable = sql.compose(QUERIES["decisions_so_far"], name=sql.literal(spec.relation), key=key)
        is_open = sql.compose("({is_open} OR given.key IS NOT NULL)", is_open=is_open)
        return memory, sql.raw("person.tenant_id"), is_open

    def _number(self, family: Family, person: Composable, is_open: Composable) -> Composable:
        arms = [
            sql.compose(
                "WHEN ({may}) AND {matches} THEN {number}",
                # What a reassigning rule may move is known before the migration; afterwards it has been moved
                may=sql.raw("true") if rule.reassigns and not self.is_set_up else is_open,
                matches=self.matches("t", rule),
                number=sql.literal(rule.number),
            )
            for rule in family.rules
        ]
        return sql.compose(
            "CASE WHEN {person} IS NOT NULL THEN {by_person} {arms} WHEN {is_open} THEN 0 END",
            person=person,
            by_person=sql.literal(PERSON),
            arms=sql.join(arms, " "),
            is_open=is_open,
        )

    def _tenant_of_number(self, family: Family, spec: TableSpec) -> Composable:
        arms = [
            sql.compose("WHEN {n} THEN {tenant}", n=sql.literal(rule.number), tenant=self._tenant("decided", rule))
            for rule in family.rules
        ]
        if spec.unmatched:
            arms.append(sql.compose("WHEN 0 THEN {tenant}", tenant=self.literal(spec.unmatched)))
        has_its_own = TENANT_COLUMN in self.columns(spec.relation)
        own = sql.column("decided", TENANT_COLUMN) if has_its_own else NOBODY
        return sql.compose(
            "CASE COALESCE(decided.vital_number, -2) WHEN -2 THEN {own} WHEN -1 THEN decided.vital_person {arms} END",
            own=own,
            arms=sql.join(arms, " "),
        )

    def literal(self, slug: str) -> Composable:
        """A tenant's id."""
        return sql.compose("{id}::uuid", id=sql.literal(self.plan.tenant(slug).id))

    def matches(self, alias: str, rule: Rule) -> Composable:
        if rule.parent is not None:
            return sql.compose("{tenant} IS NOT NULL", tenant=self.referred(alias, rule.parent))
        assert rule.when is not None
        return condition(alias, rule.when)

    def _tenant(self, alias: str, rule: Rule) -> Composable:
        return self.referred(alias, rule.parent) if rule.parent is not None else self.literal(rule.tenant)

    def referred(self, alias: str, parent: Parent, *, firm: bool = False) -> Composable:
        """The tenant of the row referred to; with `firm`, none where only a fall-back rule decides that row."""
        below = f"{alias}_p"
        tenant = self._tenant_in(below, self.plan.table(parent.table), firm)
        return sql.compose("({tenant})", tenant=of_parent(parent, alias, tenant, below))

    def _tenant_in(self, alias: str, spec: TableSpec, firm: bool) -> Composable:
        own: Composable = NOBODY
        if TENANT_COLUMN in self.columns(spec.relation):
            own = sql.column(alias, TENANT_COLUMN)
        weak = fallback(spec.rules) if firm else None
        arms = [
            sql.compose(
                "WHEN {matches} THEN {tenant}",
                matches=self.matches(alias, rule),
                tenant=NOBODY if rule == weak else self._tenant(alias, rule),
            )
            for rule in spec.rules
        ]
        if not arms:
            return own
        if firm:
            return sql.compose("CASE {arms} ELSE {own} END", arms=sql.join(arms, " "), own=own)
        return sql.compose("COALESCE({own}, CASE {arms} END)", arms=sql.join(arms, " "), own=own)
