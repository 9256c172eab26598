"""A table's rules as SQL. Whatever asks which rule decides about a row composes its question here: the run and the
trigger for rows written without a tenant, the preview, suggestions, explanations and the checks of a plan."""

from collections.abc import Callable, Iterable, Sequence

from psycopg.sql import Composable

from migrations_ops.rules.comparisons import condition
from migrations_ops.rules.model import TENANT_COLUMN, Plan, RowValue, Rule, TableSpec, TenantSource
from migrations_ops.rules.paths import QUERIES, steps_up, value_of_parent
from migrations_ops.rules.plan_keys import PHASES
from vital.db import sql

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
        """The tenant of the row that the rule follows, or that the rows which vote are of; NULL where there is none."""
        assert rule.parent is not None
        if rule.parent.is_tree:
            return self.tenant_above(rule)
        tenant = value_of_parent(rule.parent, self.row, sql.column("parent", TENANT_COLUMN))
        return sql.compose("({tenant})", tenant=tenant)

    def matches(self, rule: Rule) -> Composable:
        """Whether the rule matches a row, whichever rule decides. Never NULL."""
        if rule.parent is None:
            assert rule.when is not None
            return condition(self.row, rule.when)
        has_tenant = sql.compose("{tenant} IS NOT NULL", tenant=self.parent_tenant(rule))
        if rule.when is None:
            return has_tenant
        return sql.compose("({when} AND {has_tenant})", when=condition(self.row, rule.when), has_tenant=has_tenant)

    def tenant_above(self, rule: Rule) -> Composable:
        """The tenant of the nearest row above in a tree. It does not hang on which rows were decided before: a row
        above without a tenant is asked for the one that its rules will give it."""
        assert rule.parent is not None
        spec, hops = self.plan.table(rule.parent.table), rule.parent.hops
        above, up = f"{self.row}_above", f"{self.row}_up"
        first, following = steps_up(hops, self.row, above, up)
        return sql.compose(
            "({tenant})",
            tenant=sql.compose(
                QUERIES["tenant_above"],
                relation=sql.relation(spec.relation),
                columns=sql.join(sql.column(up, column) for column in hops[0].columns),
                key=sql.key_text(up, spec.table.key),
                tenant=self.on(up).tenant_in_tree(spec, rule),
                first=first,
                next=following,
                above=sql.ident(above),
                up=sql.ident(up),
            ),
        )

    def tenant_in_tree(self, spec: TableSpec, tree: Rule) -> Composable:
        """A row's own tenant, else what the rules before that of the tree give it; at the root, where none does, the
        tenant of what no rule knows."""
        otherwise: Composable = sql.raw("NULL::uuid")
        if spec.unmatched:
            assert tree.parent is not None
            refers = [sql.column(self.row, column) for column in tree.parent.hops[0].columns]
            is_root = sql.join([sql.compose("{column} IS NULL", column=column) for column in refers], " OR ")
            parts = {"is_root": is_root, "tenant": self.tenant_id(spec.unmatched)}
            otherwise = sql.compose("CASE WHEN {is_root} THEN {tenant}::uuid END", **parts)
        decided = self.first_match(
            [rule for rule in spec.rules if rule.number < tree.number],
            may_decide=lambda _: sql.raw("true"),
            gives=lambda rule: sql.compose("{tenant}::uuid", tenant=self.tenant(rule)),
            otherwise=otherwise,
        )
        standing = self.standing_tenant(spec)
        return sql.compose("COALESCE({standing}, {decided})", standing=standing, decided=decided)

    def standing_tenant(self, spec: TableSpec) -> Composable:
        """The tenant that a row has and keeps, or that a person gives it."""
        return sql.compose(
            QUERIES["standing_tenant"],
            relation=sql.literal(spec.relation),
            key=sql.key_text(self.row, spec.table.key),
            tenant=sql.column(self.row, TENANT_COLUMN),
        )

    def on(self, row: str) -> "RuleSql":
        """The same rules, asked of the rows of another relation."""
        return RuleSql(self.plan, row)

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
