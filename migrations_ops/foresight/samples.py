"""A few rows for each rule, with what the rule reads in them."""

from collections.abc import Callable, Iterable
from typing import Any

from psycopg.sql import Composable

from migrations_ops.engine import sql
from migrations_ops.foresight.ask import Asking, Group
from migrations_ops.foresight.rows import QUERIES
from migrations_ops.rules.model import Condition, Rule, TableSpec

FEW = 5
LONGEST = 120  # characters of a value

Read = tuple[str, tuple[str, ...]]  # a column, and the path inside its JSON


def reads(rules: Iterable[Rule]) -> list[Read]:
    """The columns that rules look at, each once, in their order."""
    found: list[Read] = []
    for rule in rules:
        found += [(rule.parent.column, ())] if rule.parent else _of_condition(rule.when)
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
    bare = sql.column(alias, read[0])
    text: Composable = sql.compose("{bare}::text", bare=bare)
    if read[1]:
        text = sql.compose("({bare} #>> {path}::text[])", bare=bare, path=sql.literal(list(read[1])))
    return sql.compose("left({text}, {longest})", text=text, longest=sql.literal(LONGEST))


class Samples:
    """Rows of one table, by their keys."""

    def __init__(self, asking: Asking) -> None:
        self.asking = asking

    def of_rules(
        self,
        spec: TableSpec,
        moved: list[Group],
        tenant: Callable[[str | None], str | None],
        name: Callable[[int | None], str | None],
    ) -> dict[str, list[dict[str, Any]]]:
        """Rule → a few of the rows that it will decide."""
        chosen: dict[int | None, dict[str, Group]] = {}
        for group in moved:
            chosen.setdefault(group.rule, {}).update(dict.fromkeys(group.keys, group))
        keys = [key for groups in chosen.values() for key in list(groups)[:FEW]]
        values = self.values(spec, keys)
        by_number = {rule.number: rule for rule in spec.rules}
        found: dict[str, list[dict[str, Any]]] = {}
        for number, groups in chosen.items():
            rules = [by_number[number]] if number in by_number else list(spec.rules)
            columns = [called(read) for read in reads(rules)]
            found[str(name(number))] = [
                {
                    "key": key,
                    "from": tenant(group.now),
                    "to": tenant(group.after),
                    "values": {column: values[key][column] for column in columns},
                }
                for key, group in list(groups.items())[:FEW]
                if key in values
            ]
        return found

    def of_unassigned(self, spec: TableSpec, groups: list[Group]) -> list[dict[str, Any]]:
        """A few rows that no rule knows."""
        keys = [key for group in groups if group.after is None for key in group.keys][:FEW]
        values = self.values(spec, keys)
        return [{"key": key, "values": values[key]} for key in keys if key in values]

    def values(self, spec: TableSpec, keys: list[str]) -> dict[str, dict[str, str | None]]:
        """Key → what all rules of the table read in that row."""
        if not keys:
            return {}
        session, read = self.asking.session, reads(spec.rules)
        typed = session.typed_key(spec.relation, spec.table.key)
        statement = sql.compose(
            QUERIES["rows_of_samples"],
            relation=sql.relation(spec.relation),
            values=sql.join([sql.raw("1"), *(value("t", one) for one in read)]),
            same_row=sql.key_equals("t", typed, sql.raw("wanted.key")),
        )
        found = self.asking.short([spec.relation], lambda: session.execute(statement, {"keys": keys}))
        names = [called(one) for one in read]
        return {key: dict(zip(names, values, strict=True)) for key, _, *values in found}
