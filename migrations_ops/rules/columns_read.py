"""What rules look at in a row, for people who want to see why they match."""

from collections.abc import Iterable

from psycopg.sql import Composable

from migrations_ops.rules.comparisons import text_at
from migrations_ops.rules.model import Condition, Rule
from vital.db import sql

LONGEST = 120  # characters of a value

Read = tuple[str, tuple[str, ...]]  # a column, and the path inside its JSON


def reads(rules: Iterable[Rule]) -> list[Read]:
    """The columns that rules look at, each once, in their order."""
    found: list[Read] = []
    for rule in rules:
        found += _of_condition(rule.when)
        if rule.parent is not None:
            first = rule.parent.hops[0]
            found += [(column, first.json) for column in first.columns]
    return list(dict.fromkeys(found))


def _of_condition(condition: Condition | None) -> list[Read]:
    if condition is None:
        return []
    own: list[Read] = [(condition.column, condition.json)] if condition.column else []
    return own + [read for part in condition.parts for read in _of_condition(part)]


def called(read: Read) -> str:
    """A column, or a place inside one: metadata.is_template."""
    return ".".join((read[0], *read[1]))


def value(alias: str, read: Read) -> Composable:
    """What stands there, as a text of bearable length."""
    return sql.compose("left({text}, {longest})", text=text_at(alias, *read), longest=sql.literal(LONGEST))
