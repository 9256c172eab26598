"""A table's rules as SQL. Whatever asks which rule decides about a row composes its question here: the run and the
trigger for rows written without a tenant, the preview, suggestions, explanations and the checks of a plan."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from psycopg.sql import Composable

from migrations_ops.rules.comparisons import condition
from migrations_ops.rules.model import TENANT_COLUMN, Hop, Parent, Plan, RowValue, Rule, TableSpec, TenantSource
from migrations_ops.rules.plan_keys import PHASES
from vital.db import sql

QUERIES = sql.load(Path(__file__).parent / "sql")
BY_PERSON = "decided by a person"
UNMATCHED = "no rule matched: as the plan says"
PERSON, NO_RULE = -1, 0  # beside the numbers of rules


class RuleSql:
    """A plan's rules, asked of the rows of the relation `row`: of their columns, and of the rows that they follow.

    A question that has its answers already, or finds a parent's tenant elsewhere, overrides `matches` or
    `parent_tenant`; how rules add up to a decision is the same for all.
    """

    def __init__(self, plan: Plan, row: str = "batch") -> None:
        self.plan, self.row = plan, row

    def parent_tenant(self, rule: Rule) -> Composable:
        """The tenant of the row that the rule follows; NULL where there is none."""
        assert rule.parent is not None
        tenant = value_of_parent(rule.parent, self.row, sql.column("parent", TENANT_COLUMN))
        return sql.compose("({tenant})", tenant=tenant)

    def matches(self, rule: Rule) -> Composable:
        """Whether the rule matches a row, whichever rule decides. Never NULL."""
        if rule.parent is not None:
            return sql.compose("{tenant} IS NOT NULL", tenant=self.parent_tenant(rule))
        assert rule.when is not None
        return condition(self.row, rule.when)

    def own_tenant(self) -> Composable:
        """The tenant that a row of the table of tenants is."""
        assert self.plan.source is not None
        return tenant_of_row(self.plan.source, self.row)

    def tenant(self, rule: Rule) -> Composable:
        """Whom the rule gives a row."""
        if rule.own:
            return self.own_tenant()
        return self.parent_tenant(rule) if rule.parent is not None else self.tenant_id(rule.tenant)

    def tenant_id(self, slug: str) -> Composable:
        return sql.literal(self.plan.tenant(slug).id)

    def first_match(
        self,
        rules: Sequence[Rule],
        may_decide: Callable[[Rule], Composable],
        otherwise: Composable,
        gives: Callable[[Rule], Composable] | None = None,
    ) -> Composable:
        """The number (or what the rule `gives`) of the first rule that may decide about a row and matches it."""
        gives = gives or (lambda rule: sql.literal(rule.number))
        arms = [
            sql.compose(
                "WHEN ({may}) AND {matches} THEN {gives}",
                may=may_decide(rule),
                matches=self.matches(rule),
                gives=gives(rule),
            )
            for rule in rules
        ]
        return (
            sql.compose("CASE {arms} ELSE {otherwise} END", arms=sql.join(arms, " "), otherwise=otherwise)
            if arms
            else otherwise
        )

    def tenants(self, rules: Iterable[Rule], unmatched: str) -> dict[int, Composable]:
        """The tenant of each number of `first_match`; `unmatched` owns the rows that match no rule."""
        found = {rule.number: self.tenant(rule) for rule in rules}
        return found | ({NO_RULE: self.tenant_id(unmatched)} if unmatched else {})


def by_number(number: Composable, values: dict[int, Composable], kind: str) -> Composable:
    """The value that belongs to the number, as an SQL type."""
    if not values:
        return sql.raw(f"NULL::{kind}")
    arms = [sql.compose("WHEN {n} THEN {v}", n=sql.literal(n), v=value) for n, value in values.items()]
    return sql.compose(
        "(CASE {number} {arms} END)::{kind}", number=number, arms=sql.join(arms, " "), kind=sql.raw(kind)
    )


def no_rule_where(is_open: Composable | None) -> Composable:
    """The number of a row that no rule matches: NO_RULE where the plan may decide about it; never, where None."""
    if is_open is None:
        return sql.raw("NULL::integer")
    return sql.compose("CASE WHEN {is_open} THEN {none} END", is_open=is_open, none=sql.literal(NO_RULE))


def verdict(plan: Plan, spec: TableSpec, phases: Iterable[str]) -> Composable:
    """SELECT vital_row, tenant_id, rule FROM batch: a person's decision, else the first rule that matches.

    Rules that do not reassign apply only where the row is open (`vital_open`). A rule of a parent without a tenant
    gives no verdict. The ledger keeps a hash of this text: any change of it makes each run decide every row again.
    """
    wanted, asked = set(phases), RuleSql(plan)
    rules = [rule for rule in spec.rules if rule.phase in wanted]
    unmatched = spec.unmatched if PHASES[-1] in wanted else ""
    names: dict[int, Composable] = {rule.number: sql.literal(rule.name) for rule in rules}
    is_open, number = sql.raw("batch.vital_open"), sql.raw("found.number")
    return sql.compose(
        QUERIES["verdict_on_batch"],
        column=sql.ident(TENANT_COLUMN),
        tenants=by_number(number, asked.tenants(rules, unmatched), "uuid"),
        names=by_number(number, names | ({NO_RULE: sql.literal(UNMATCHED)} if unmatched else {}), "text"),
        by_person=sql.literal(BY_PERSON),
        number=asked.first_match(
            rules,
            lambda rule: sql.raw("true") if rule.reassigns else is_open,
            otherwise=no_rule_where(is_open if unmatched else None),
        ),
        relation=sql.literal(spec.relation),
        key=sql.key_text("batch", spec.table.key),
    )


def tenant_of_row(source: TenantSource, row: str) -> Composable:
    """The id of the tenant that a row is: its key where that is a uuid, else one that is made of the key and always the
    same."""
    if source.types == ("uuid",):
        return sql.column(row, source.table.key[0])
    parts = {"name": sql.literal(source.table.relation), "key": sql.key_text(row, source.table.key)}
    return sql.compose(QUERIES["tenant_of_key"], **parts)


def value_of_row(value: RowValue, row: str) -> Composable:
    """A column, or an expression on the row."""
    return sql.column(row, value.column) if value.column else sql.compose("({e})", e=sql.verbatim(value.sql))


def value_of_parent(parent: Parent, row: str, value: Composable, last: str = "parent") -> Composable:
    """SELECT of a value in the row called `last`, which a row of `row` refers to."""
    tables, links = path_to_parent(parent.hops, row, last)
    return sql.compose(QUERIES["value_of_parent"], value=value, tables=sql.join(tables), links=sql.join(links, " AND "))


def path_to_parent(hops: tuple[Hop, ...], row: str, last: str) -> tuple[list[Composable], list[Composable]]:
    """The tables on the way from a row of `row` to its parent, which is called `last`; and how each follows from the
    one before."""
    names = [*(f"{last}_{number}" for number in range(1, len(hops))), last]
    tables: list[Composable] = []
    links: list[Composable] = []
    for hop, before, name in zip(hops, [row, *names], names, strict=False):
        tables.append(sql.compose("{table} AS {name}", table=sql.relation(hop.table), name=sql.ident(name)))
        pairs = zip(hop.columns, hop.key, strict=True)
        same = [sql.compose("{a} = {b}", a=sql.column(name, key), b=sql.column(before, own)) for own, key in pairs]
        links.append(sql.join(same, " AND "))
    return tables, links
