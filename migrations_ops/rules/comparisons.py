"""A condition as SQL. Every value is a quoted literal; an expression of the plan's own stays in its parentheses."""

from psycopg.sql import Composable

from migrations_ops.rules.model import Bound, Condition
from migrations_ops.rules.operators import OPERATORS
from vital.db import sql

# What is a number in JSON, as a number or as a text; of no more digits than PostgreSQL counts (255 in a pattern).
NUMBER = r"^-?[0-9]{1,255}(\.[0-9]{1,255})?([eE][+-]?[0-9]{1,3})?$"
DAY = "^[0-9]{4}-[0-9]{2}-[0-9]{2}"
DAY_LENGTH = 10
TEXT_PARTS = {
    "contains": "strpos(lower({text}), lower({part})) > 0",
    "starts_with": "starts_with(lower({text}), lower({part}))",
    "ends_with": "right(lower({text}), length(lower({part}))) = lower({part})",
}


def condition(row: str, given: Condition) -> Composable:
    """A condition on the relation `row`, with every value as a quoted literal. Never NULL: unknown is no match."""
    match given.kind:
        case "always":
            return sql.raw("true")
        case "all" | "any" as kind:
            joined = sql.join([condition(row, part) for part in given.parts], " AND " if kind == "all" else " OR ")
            return sql.compose("({joined})", joined=joined)
        case "not":
            return sql.compose("NOT {part}", part=condition(row, given.parts[0]))
        case "sql":
            return sql.compose("COALESCE(({expression}), false)", expression=sql.verbatim(given.value))
    return sql.compose("COALESCE({comparison}, false)", comparison=_comparison(row, given))


def text_at(row: str, column: str, path: tuple[str, ...]) -> Composable:
    """A column's value as text; with a path, that of a place inside its JSON."""
    bare = sql.column(row, column)
    if not path:
        return sql.compose("{bare}::text", bare=bare)
    return sql.compose("({bare} #>> {path}::text[])", bare=bare, path=sql.literal(list(path)))


def _comparison(row: str, given: Condition) -> Composable:
    bare, text = sql.column(row, given.column), text_at(row, given.column, given.json)
    match given.kind:
        case "is_null":
            value = text if given.json else bare
            return sql.compose("({value} IS NULL) = {wanted}", value=value, wanted=sql.literal(given.value))
        case "equals":
            return sql.compose("{text} = {value}", text=text, value=sql.literal(given.value))
        case "in":
            return sql.compose("{text} = ANY({values}::text[])", text=text, values=sql.literal(list(given.value)))
        case "matches":
            return sql.compose("{text} ~ {pattern}", text=text, pattern=sql.literal(given.value))
        case "overlaps":
            return _overlaps(bare, given)
        case "between":
            low, high = (_ordered(bare, text, given, *pair) for pair in zip((">=", "<="), given.value, strict=True))
            return sql.compose("({low} AND {high})", low=low, high=high)
        case kind if kind in OPERATORS:
            return _ordered(bare, text, given, OPERATORS[kind], given.value)
    parts = (sql.compose(TEXT_PARTS[given.kind], text=text, part=sql.literal(part)) for part in given.value)
    return sql.compose("({parts})", parts=sql.join(parts, " OR "))


def _overlaps(bare: Composable, given: Condition) -> Composable:
    values = sql.literal(list(given.value))
    if not given.json:
        return sql.compose("{bare}::text[] && {values}::text[]", bare=bare, values=values)
    inside = sql.compose("({bare}::jsonb #> {path}::text[])", bare=bare, path=sql.literal(list(given.json)))
    # Alone, ?| would also find the keys of an object.
    return sql.compose(
        "CASE jsonb_typeof({inside}) WHEN 'array' THEN {inside} ?| {values}::text[] END", inside=inside, values=values
    )


def _ordered(bare: Composable, text: Composable, given: Condition, operator: str, bound: Bound) -> Composable:
    """Less, greater and the like. Inside JSON, what is no number or no day is unknown, never an error."""
    parts = {"bare": bare, "text": text, "operator": sql.raw(operator), "value": sql.literal(bound.text)}
    if not given.json:
        return sql.compose("{bare} {operator} {value}::{type}", type=sql.raw(bound.type), **parts)
    if bound.type == "numeric":
        number = "CASE WHEN {text} ~ {pattern} THEN {text}::numeric END {operator} {value}::numeric"
        return sql.compose(number, pattern=sql.literal(NUMBER), **parts)
    # Days of ISO 8601 have the order of their letters, so that a day of no calendar is no error.
    day = 'CASE WHEN {text} ~ {pattern} THEN left({text}, {length}) END {operator} {value} COLLATE "C"'
    return sql.compose(day, pattern=sql.literal(DAY), length=sql.literal(DAY_LENGTH), **parts)
