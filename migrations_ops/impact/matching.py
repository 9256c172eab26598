"""Whether a row that is written without a tenant may match a rule of the plan, by what its statement says of it."""

from collections.abc import Iterable, Mapping
from enum import Enum

from migrations_ops.impact.reading import ANY, DEFAULT, Insertion, Value
from migrations_ops.rules.model import TENANT_COLUMN, Condition, Rule, TableSpec


class Match(Enum):
    NO = 0
    MAYBE = 1
    YES = 2


Row = Mapping[str, Value]


def gives_tenant(row: Row) -> bool:
    return row.get(TENANT_COLUMN, None) is not None and row[TENANT_COLUMN] is not DEFAULT


def rows_of(insertion: Insertion, columns: Mapping[str, bool]) -> list[Row]:
    """What is known of each row: `columns` are the table's, in their order, with whether one that is not named is NULL.
    None of a query that fills every column in its order."""
    given = insertion.columns if insertion.columns is not None else tuple(columns)
    if insertion.rows is None:
        rows: Iterable[tuple[Value, ...]] = ((ANY,) * len(given),) if insertion.columns is not None else ()
    else:
        rows = insertion.rows
    found: list[Row] = []
    for values in rows:
        row: dict[str, Value] = {name: None if empty else ANY for name, empty in columns.items()}
        for name, value in zip(given, values, strict=False):
            row[name] = row.get(name, ANY) if value is DEFAULT else value
        found.append(row)
    return found


def decided(spec: TableSpec, row: Row) -> Match:
    """Whether the plan gives the row a tenant."""
    if spec.unmatched:
        return Match.YES
    return _any(_rule(rule, row) for rule in spec.rules)


def _rule(rule: Rule, row: Row) -> Match:
    found = _condition(rule.when, row) if rule.when else Match.YES
    if rule.parent is not None:
        hop = rule.parent.hops[0]
        known = [row.get(name, ANY) for name in hop.columns]
        # A tree, a value inside JSON, or votes: the row alone does not say whether they lead anywhere.
        return Match.NO if any(value is None for value in known) and rule.parent.is_reference else Match.MAYBE
    return found


def _condition(condition: Condition, row: Row) -> Match:
    kind = condition.kind
    if kind == "always":
        return Match.YES
    if kind == "all":
        return _all(_condition(part, row) for part in condition.parts)
    if kind == "any":
        return _any(_condition(part, row) for part in condition.parts)
    if kind in ("not", "sql"):
        return Match.MAYBE
    value = row.get(condition.column, ANY)
    if kind == "is_null":
        if value is ANY or condition.json:
            return Match.MAYBE
        return Match.YES if (value is None) is bool(condition.value) else Match.NO
    if value is None:
        return Match.NO
    if value is ANY or condition.json or not isinstance(value, str):
        return Match.MAYBE
    return _comparison(kind, value, condition)


def _comparison(kind: str, value: str, condition: Condition) -> Match:
    """Of a constant, which the server may spell otherwise: what is not certain is a maybe."""
    wanted = condition.value
    if kind == "equals":
        return Match.YES if value == str(wanted) else Match.NO if isinstance(wanted, str) else Match.MAYBE
    if kind == "in" and isinstance(wanted, list | tuple) and all(isinstance(one, str) for one in wanted):
        return Match.YES if value in wanted else Match.NO
    if kind == "contains":
        return Match.YES if any(str(one).lower() in value.lower() for one in wanted) else Match.NO
    return Match.MAYBE


def _any(found: Iterable[Match]) -> Match:
    return max(found, key=lambda one: one.value, default=Match.NO)


def _all(found: Iterable[Match]) -> Match:
    return min(found, key=lambda one: one.value, default=Match.YES)
