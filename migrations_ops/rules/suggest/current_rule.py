"""What decides a row as the rules are now, in SQL: before the migration by the rules alone, then with what VITAL keeps.

`compile.verdict` reads VITAL's tables and the tenant columns of parents, and before the migration there are none.
"""

from pathlib import Path
from typing import Any

from psycopg.sql import Composable

from migrations_ops.engine.session import Session
from migrations_ops.rules.compile import PERSON, RuleSql, by_number, no_rule_where
from migrations_ops.rules.model import TENANT_COLUMN, Parent, Plan, Rule, TableSpec
from migrations_ops.rules.paths import value_of_parent
from migrations_ops.rules.suggest.rule_groups import Family, fallback
from vital.db import introspection, sql

QUERIES = sql.load(Path(__file__).parent / "sql")
CAME_WITH_TENANT = -2  # beside the numbers of rules: VITAL did not decide about the row
NOTHING = sql.raw("")
NO_TENANT = sql.raw("NULL::uuid")


class CurrentRules:
    """The rows of a plan's tables with what decides them. Reads only, a statement at a time."""

    def __init__(self, session: Session, plan: Plan) -> None:
        self.session, self.plan = session, plan
        self.is_set_up = bool(session.named("is_set_up")[0][0])
        self._columns: dict[str, dict[str, str]] = {}

    def ask(self, name: str, params: sql.Params | None = None, **parts: Composable) -> list[tuple[Any, ...]]:
        """The rows of one of the queries beside this module, in a transaction of its own."""
        with self.session.work():
            return self.session.execute(sql.compose(QUERIES[name], **parts), params)

    def columns(self, relation: str) -> dict[str, str]:
        """The table's columns with their types."""
        if relation not in self._columns:
            self._columns[relation] = {column.name: column.kind for column in self.session.columns(relation)}
        return self._columns[relation]

    def references(self, relation: str) -> list[tuple[str, str, str]]:
        """(column, the table that it refers to, the column there) of each foreign key of one column."""
        with self.session.work():
            found = introspection.foreign_keys(self.session, [relation])
        return sorted((key.own[0], key.parent, key.key[0]) for key in found if len(key.own) == 1)

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
            return NOTHING, NO_TENANT, is_open
        key = sql.key_text("t", spec.table.key)
        memory: Composable = sql.compose(QUERIES["decisions_so_far"], name=sql.literal(spec.relation), key=key)
        is_open = sql.compose("({is_open} OR given.key IS NOT NULL)", is_open=is_open)
        return memory, sql.raw("person.tenant_id"), is_open

    def _number(self, family: Family, person: Composable, is_open: Composable) -> Composable:
        # What a reassigning rule may move is known before the migration; afterwards it has been moved.
        moves = sql.raw("true") if not self.is_set_up else is_open
        return sql.compose(
            "CASE WHEN {person} IS NOT NULL THEN {by_person} ELSE {decided} END",
            person=person,
            by_person=sql.literal(PERSON),
            decided=self.on("t").first_match(
                family.rules, lambda rule: moves if rule.reassigns else is_open, otherwise=no_rule_where(is_open)
            ),
        )

    def _tenant_of_number(self, family: Family, spec: TableSpec) -> Composable:
        tenants = {
            CAME_WITH_TENANT: self.own_tenant("decided", spec),
            PERSON: sql.raw("decided.vital_person"),
            **self.on("decided").tenants(family.rules, spec.unmatched),
        }
        number = sql.compose("COALESCE(decided.vital_number, {none})", none=sql.literal(CAME_WITH_TENANT))
        return by_number(number, tenants, "uuid")

    def own_tenant(self, row: str, spec: TableSpec) -> Composable:
        """The tenant that a row has in the table, where the table has that column."""
        return sql.column(row, TENANT_COLUMN) if TENANT_COLUMN in self.columns(spec.relation) else NO_TENANT

    def on(self, row: str) -> "CurrentRuleSql":
        """The rules as SQL on the relation `row`."""
        return CurrentRuleSql(self, row)

    def tenant_of(self, row: str, spec: TableSpec, *, ignore_fallback: bool = False) -> Composable:
        """A row's own tenant, else what its rules give it. With `ignore_fallback` the rules come first, and the
        fall-back rule gives none."""
        own, rules = self.own_tenant(row, spec), self.on(row)
        weak = fallback(spec.rules) if ignore_fallback else None
        decided = rules.first_match(
            spec.rules,
            lambda _: sql.raw("true"),
            gives=lambda rule: NO_TENANT if rule == weak else rules.tenant(rule),
            otherwise=own,
        )
        return decided if ignore_fallback else sql.compose("COALESCE({own}, {decided})", own=own, decided=decided)


class CurrentRuleSql(RuleSql):
    """Rules where rows that are followed may have no tenant yet: theirs is what their own rules say."""

    def __init__(self, current: CurrentRules, row: str) -> None:
        super().__init__(current.plan, row)
        self.current = current

    def parent_tenant(self, rule: Rule) -> Composable:
        assert rule.parent is not None
        return self.tenant_above(rule) if rule.parent.is_tree else self.referred(rule.parent)

    def standing_tenant(self, spec: TableSpec) -> Composable:
        own = self.current.own_tenant(self.row, spec)
        return super().standing_tenant(spec) if self.current.is_set_up and own != NO_TENANT else own

    def on(self, row: str) -> "CurrentRuleSql":
        return CurrentRuleSql(self.current, row)

    def tenant_id(self, slug: str) -> Composable:
        return sql.compose("{id}::uuid", id=super().tenant_id(slug))

    def referred(self, parent: Parent, *, ignore_fallback: bool = False) -> Composable:
        """The tenant of the row referred to; with `ignore_fallback`, none where only a fall-back rule decides it."""
        below = f"{self.row}_p"
        tenant = self.current.tenant_of(below, self.plan.table(parent.table), ignore_fallback=ignore_fallback)
        return sql.compose("({tenant})", tenant=value_of_parent(parent, self.row, tenant, below))
