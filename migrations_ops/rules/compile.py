"""Rules as one SQL verdict: the single source for backfill, trigger, checks and explanations."""

from collections.abc import Iterable
from pathlib import Path

from psycopg.sql import Composable

from migrations_ops.rules.comparisons import condition
from migrations_ops.rules.model import TENANT_COLUMN, Hop, Parent, Plan, Rule, TableSpec
from migrations_ops.rules.plan_keys import PHASES
from vital.db import sql

QUERIES = sql.load(Path(__file__).parent / "sql")
BY_PERSON = "decided by a person"
UNMATCHED = "no rule matched: as the plan says"


def verdict(plan: Plan, spec: TableSpec, phases: Iterable[str]) -> Composable:
    """SELECT vital_row, tenant_id, rule FROM batch: a person's decision, else the first rule that matches.

    Rules that do not reassign apply only where the row is open (`vital_open`). A rule of a parent without a tenant
    gives no verdict.
    """
    wanted = set(phases)
    rules = [rule for rule in spec.rules if rule.phase in wanted]
    unmatched = spec.unmatched if PHASES[-1] in wanted else ""
    tenants = {rule.number: _tenant_of(plan, rule) for rule in rules}
    names: dict[int, Composable] = {rule.number: sql.literal(rule.name) for rule in rules}
    if unmatched:
        tenants[0], names[0] = sql.literal(plan.tenant(unmatched).id), sql.literal(UNMATCHED)
    return sql.compose(
        QUERIES["verdict_on_batch"],
        column=sql.ident(TENANT_COLUMN),
        tenants=_pick(tenants, "uuid"),
        names=_pick(names, "text"),
        by_person=sql.literal(BY_PERSON),
        number=_number(rules, otherwise="CASE WHEN batch.vital_open THEN 0 END" if unmatched else "NULL::integer"),
        relation=sql.literal(spec.relation),
        key=sql.key_text("batch", spec.table.key),
    )


def _number(rules: list[Rule], otherwise: str) -> Composable:
    """The number of the first rule that matches a row of `batch`."""
    arms = [
        sql.compose(
            "WHEN ({open}) AND {matches} THEN {number}",
            open=sql.raw("true" if rule.reassigns else "batch.vital_open"),
            matches=matches(rule),
            number=sql.literal(rule.number),
        )
        for rule in rules
    ]
    if not arms:
        return sql.raw(otherwise)
    return sql.compose("CASE {arms} ELSE {otherwise} END", arms=sql.join(arms, " "), otherwise=sql.raw(otherwise))


def matches(rule: Rule) -> Composable:
    """Whether the rule matches a row of `batch`, decide whichever may."""
    if rule.parent is not None:
        return sql.compose("({tenant}) IS NOT NULL", tenant=_tenant_of_parent(rule))
    assert rule.when is not None
    return condition("batch", rule.when)


def _tenant_of(plan: Plan, rule: Rule) -> Composable:
    if rule.parent is not None:
        return sql.compose("({tenant})", tenant=_tenant_of_parent(rule))
    return sql.literal(plan.tenant(rule.tenant).id)


def _tenant_of_parent(rule: Rule) -> Composable:
    assert rule.parent is not None
    return of_parent(rule.parent, "batch", sql.column("parent", TENANT_COLUMN))


def of_parent(parent: Parent, start: str, value: Composable, last: str = "parent") -> Composable:
    """SELECT of a value in the row `last`, which a row of `start` refers to."""
    tables, links = way_of(parent.hops, start, last)
    return sql.compose(QUERIES["value_of_parent"], value=value, tables=sql.join(tables), links=sql.join(links, " AND "))


def way_of(hops: tuple[Hop, ...], start: str, last: str) -> tuple[list[Composable], list[Composable]]:
    """The tables on the way from a row of `start` to its parent, which is called `last`; and how each follows from the
    one before."""
    names = [*(f"{last}_{number}" for number in range(1, len(hops))), last]
    tables: list[Composable] = []
    links: list[Composable] = []
    for hop, before, name in zip(hops, [start, *names], names, strict=False):
        tables.append(sql.compose("{table} AS {name}", table=sql.relation(hop.table), name=sql.ident(name)))
        pairs = zip(hop.columns, hop.key, strict=True)
        same = [sql.compose("{a} = {b}", a=sql.column(name, key), b=sql.column(before, own)) for own, key in pairs]
        links.append(sql.join(same, " AND "))
    return tables, links


def _pick(values: dict[int, Composable], kind: str) -> Composable:
    """The value that belongs to the number found, as an SQL type."""
    if not values:
        return sql.raw(f"NULL::{kind}")
    arms = [sql.compose("WHEN {n} THEN {v}", n=sql.literal(n), v=v) for n, v in values.items()]
    return sql.compose("(CASE found.number {arms} END)::{kind}", arms=sql.join(arms, " "), kind=sql.raw(kind))
