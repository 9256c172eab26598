"""A few rows for each rule, with what the rule reads in them."""

from collections.abc import Callable
from functools import partial
from typing import Any

from migrations_ops.preview.groups import Group, Place
from migrations_ops.preview.inputs import Asking
from migrations_ops.preview.predicted_rows import QUERIES
from migrations_ops.rules.columns_read import called, reads, value
from migrations_ops.rules.model import TableSpec
from vital.db import sql

FEW = 5
Values = dict[str, str | None]
Sample = dict[str, Any]


class Samples:
    """Rows of one table, chosen out of its groups."""

    def __init__(self, asking: Asking, spec: TableSpec, groups: list[Group]) -> None:
        self.asking, self.spec = asking, spec
        self.chosen: dict[int | None, dict[Place, Group]] = {}
        for group in groups:
            if group.after is None or group.after != group.now:
                places = self.chosen.setdefault(group.rule, {})
                places.update((place, group) for place in group.places if len(places) < FEW)
        self.rows = self._rows([place for places in self.chosen.values() for place in places])

    def of_rules(self, tenant: Callable[[str | None], str | None]) -> dict[int, list[Sample]]:
        """Rule (its number) → a few of the rows that it will decide."""
        rules = {rule.number: [rule] for rule in self.spec.rules}
        found = {}
        for number, places in self.chosen.items():
            if number is not None:
                columns = [called(read) for read in reads(rules.get(number, self.spec.rules))]
                found[number] = [
                    {"key": key, "from": tenant(group.now), "to": tenant(group.after)}
                    | {"values": {column: values[column] for column in columns}}
                    for place, group in places.items()
                    for key, values in self.rows.get(place, [])
                ]
        return found

    def of_unassigned(self) -> list[Sample]:
        """A few rows that match no rule."""
        places = self.chosen.get(None, {})
        return [{"key": key, "values": values} for place in places for key, values in self.rows.get(place, [])]

    def _rows(self, places: list[Place]) -> dict[Place, list[tuple[str, Values]]]:
        """What all rules of the table read in the rows that lie there; one that was moved meanwhile is not there."""
        if not places:
            return {}
        read = reads(self.spec.rules)
        statement = sql.compose(
            QUERIES["rows_of_samples"],
            relation=sql.relation(self.spec.relation),
            key=sql.key_text("t", self.spec.table.key),
            values=sql.join([sql.raw("NULL"), *(value("t", one) for one in read)]),
        )
        facts = {"leaves": [leaf for leaf, _ in places], "places": [place for _, place in places]}
        found = self.asking.short([self.spec.relation], partial(self.asking.session.execute, statement, facts))
        names = [called(one) for one in read]
        rows: dict[Place, list[tuple[str, Values]]] = {}
        for leaf, place, key, _, *values in found:
            rows.setdefault((leaf, place), []).append((key, dict(zip(names, values, strict=True))))
        return rows
