"""Rules as one SQL verdict: the single source for backfill, trigger, checks and explanations."""

from collections.abc import Iterable
from pathlib import Path

from psycopg.sql import Composable

from migrations_ops.engine import sql
from migrations_ops.rules.load import PHASES
from migrations_ops.rules.model import TENANT_COLUMN, Condition, Plan, Rule, TableSpec

QUERIES = sql.load(Path(__file__).parent / "sql")
BY_PERSON = "decided by a person"
UNMATCHED = "no rule matched: as the plan says"


def condition(row: str, condition: Condition) -> Composable:
    """A condition on the relation `row`, with every value as a quoted literal. Never NULL: unknown is no match."""
    match condition.kind:
        case "always":
            return sql.raw("true")
        case "all" | "any" as kind:
            joined = sql.join([_of(row, part) for part in condition.parts], " AND " if kind == "all" else " OR ")
            return sql.compose("({joined})", joined=joined)
        case "not":
            return sql.compose("NOT {part}", part=_of(row, condition.parts[0]))
    return sql.compose("COALESCE({comparison}, false)", comparison=_comparison(row, condition))


_of = condition


def _comparison(row: str, condition: Condition) -> Composable:
    bare = sql.column(row, condition.column)
    text: Composable = sql.compose("{bare}::text", bare=bare)
    if condition.json:
        text = sql.compose("({bare} #>> {path}::text[])", bare=bare, path=sql.literal(list(condition.json)))
    match condition.kind:
        case "is_null":
            value = text if condition.json else bare
            return sql.compose("({value} IS NULL) = {wanted}", value=value, wanted=sql.literal(condition.value))
        case "equals":
            return sql.compose("{text} = {value}", text=text, value=sql.literal(condition.value))
        case "in":
            return sql.compose("{text} = ANY({values}::text[])", text=text, values=sql.literal(list(condition.value)))
        case "overlaps":
            return sql.compose(
                "{bare}::text[] && {values}::text[]", bare=bare, values=sql.literal(list(condition.value))
            )
    pieces = [sql.compose("strpos(lower({t}), lower({v})) > 0", t=text, v=sql.literal(v)) for v in condition.value]
    return sql.compose("({pieces})", pieces=sql.join(pieces, " OR "))


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
    return sql.compose(
        QUERIES["tenant_of_parent"],
        column=sql.ident(TENANT_COLUMN),
        table=sql.relation(rule.parent.table),
        key=sql.ident(rule.parent.key),
        reference=sql.ident(rule.parent.column),
    )


def _pick(values: dict[int, Composable], kind: str) -> Composable:
    """The value that belongs to the number found, as an SQL type."""
    if not values:
        return sql.raw(f"NULL::{kind}")
    arms = [sql.compose("WHEN {n} THEN {v}", n=sql.literal(n), v=v) for n, v in values.items()]
    return sql.compose("(CASE found.number {arms} END)::{kind}", arms=sql.join(arms, " "), kind=sql.raw(kind))
