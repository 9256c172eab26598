"""A value for a column that must have one, as text, from what the catalogue says about it."""

import re
from dataclasses import dataclass
from uuid import uuid4

from psycopg.sql import Composable

from tenants.isolation.targets import MARK
from vital.db import sql

BY_TYPE = {
    "uuid": "00000000-0000-4000-8000-000000000000", "json": "{}", "jsonb": "{}", "bytea": "\\x00", "time": "12:00",
    "timetz": "12:00+00", "interval": "1 day", "inet": "127.0.0.1", "cidr": "127.0.0.0/8",
    "macaddr": "00:00:00:00:00:00", "xml": "<probe/>", "point": "(0,0)", "tsvector": "probe", "bit": "0", "varbit": "0",
}  # fmt: skip
BY_CATEGORY = {"N": "1", "B": "true", "D": "2000-01-01", "R": "empty", "S": ""}
WORDS = {"email": "@example.org", "mail": "@example.org", "url": "https://example.org/"}
LITERAL = re.compile(r"'((?:[^']|'')*)'::|(?<![\w.])(\d+(?:\.\d+)?)(?![\w.])")


@dataclass(frozen=True)
class Column:
    """A column that an INSERT may name, as the catalogue describes it."""

    name: str
    kind: str
    base: str
    category: str
    is_array: bool
    first_label: str | None
    needed: bool
    unique: bool
    drawn: bool
    parent: str | None
    parent_key: str | None
    reference: str | None
    width: int | None

    def typed(self, value: str) -> Composable:
        """The value as the column's own type; a text that is too long is cut."""
        return sql.compose("{value}::{kind}", value=sql.literal(value), kind=sql.verbatim(self.kind))

    def invented(self) -> str:
        """A plausible value; a new one each time where the type has room for it."""
        value = self._single()
        return f'{{"{value}"}}' if self.is_array else value

    def _single(self) -> str:
        if self.first_label is not None:
            return self.first_label
        if self.base == "uuid":
            return str(uuid4())
        if self.drawn:  # below what sequences give
            return str(-1 - uuid4().int % (30_000 if self.base == "int2" else 2_000_000_000))
        if self.category == "N" and self.unique:
            return str(uuid4().int % 30_000)
        if self.category == "S":
            return self._text()
        return BY_TYPE.get(self.base) or BY_CATEGORY.get(self.category) or "0"

    def _text(self) -> str:
        token = uuid4().hex[:12]
        room = re.search(r"\((\d+)\)", self.kind)
        if room and int(room[1]) <= len(MARK) + len(token):
            return token[: int(room[1])]
        affix = next((affix for word, affix in WORDS.items() if word in self.name.lower()), "")
        return f"{affix}{MARK}-{token}" if affix.endswith("/") else f"{MARK}-{token}{affix}"

    def guesses(self, definition: str) -> list[str]:
        """Values that a CHECK may want: those it names, then some that checks are often about."""
        named = [(text or number).replace("''", "'") for text, number in LITERAL.findall(definition)]
        common = {"N": ["1", "0", "2", "10"], "S": [self.invented(), "probe", "a@example.org", "https://example.org"]}
        found = [*named, *common.get(self.category, [self.invented()])]
        return [f'{{"{value}"}}' for value in found] if self.is_array else found
