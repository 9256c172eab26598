"""What a plan file gives, asked for by name and kind. What does not fit is refused with its place and what would."""

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

from vital.errors import hint

RELATION = re.compile(r"({part})\.({part})".format(part=r'[a-z_][a-z0-9_]*|"(?:[^"]|"")+"'))
Place = tuple[str | int, ...]  # the keys and list positions that lead to a value: ("table", 0, "rule", 2, "when")


class PlanError(Exception):
    """The plan cannot be used; the message says where and why. `place` leads to what is wrong."""

    exit_code = 2

    def __init__(self, message: str, place: Place = ()) -> None:
        super().__init__(message)
        self.place = place


class Given:
    """One table of the file: `where` it stands and which keys it may have. Every question may raise PlanError."""

    def __init__(self, item: object, where: str, allowed: Iterable[str], place: Place = ()) -> None:
        if not isinstance(item, dict):
            raise PlanError(f"{where}: a table of keys and values is needed, not {item!r}.", place)
        self.item: dict[str, Any] = item
        self.where, self.allowed, self.place = where, sorted(allowed), place
        for key in item:
            if key not in self.allowed:
                raise self.wrong(f"{key!r} is not known.{hint(key, self.allowed, 'Known are')}", key)

    def __contains__(self, key: str) -> bool:
        return key in self.item

    def wrong(self, problem: str, *steps: str | int) -> PlanError:
        """The error to raise; `steps` lead from this table to what is wrong."""
        return PlanError(f"{self.where}: {problem}", (*self.place, *steps))

    def need(self, key: str) -> Any:
        if key not in self.item:
            raise self.wrong(f"{key} is missing.")
        return self.item[key]

    def text(self, key: str, default: str | None = None) -> str:
        value = self.need(key) if default is None else self.item.get(key, default)
        if not isinstance(value, str) or not (value or default == ""):
            raise self.wrong(f"{key} must be a text, not {value!r}.", key)
        return value

    def texts(self, key: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        """A list of at least one text; a text alone is not a list of its letters."""
        value = self.item.get(key, list(default))
        if not isinstance(value, list) or not all(isinstance(text, str) and text for text in value):
            raise self.wrong(f'{key} must be a list of texts, like ["a", "b"], not {value!r}.', key)
        if key in self.item and not value:
            raise self.wrong(f"{key} is empty.", key)
        return tuple(value)

    def text_or_texts(self, key: str) -> tuple[str, ...]:
        """A text alone stands for a list of it."""
        return (self.text(key),) if isinstance(self.item.get(key), str) else self.texts(key)

    def flag(self, key: str, *, default: bool = False) -> bool:
        value = self.item.get(key, default)
        if not isinstance(value, bool):
            raise self.wrong(f"{key} must be true or false, not {value!r}.", key)
        return value

    def number(self, key: str) -> int:
        value = self.need(key)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.wrong(f"{key} must be a whole number, not {value!r}.", key)
        return value

    def majority(self, key: str) -> Decimal:
        """A share of more than a half, up to 1: two such shares of one whole cannot be."""
        value = self.need(key)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0.5 < value <= 1:
            raise self.wrong(f"{key} is more than 0.5, and 1 at most, not {value!r}.", key)
        return Decimal(repr(value))

    def mapping(self, key: str) -> dict[str, Any]:
        value = self.item.get(key, {})
        if not isinstance(value, dict):
            raise self.wrong(f"{key} must be a table of keys and values, not {value!r}.", key)
        return dict(value)

    def relation(self, key: str) -> str:
        """A table's name with its schema, spelled as SQL spells it."""
        name = self.text(key)
        if not RELATION.fullmatch(name):
            example = 'public.tools, or public."Tools" where a name has other signs than a-z, 0-9 and _'
            raise self.wrong(f"{key}: name the table with its schema, like {example}, not {name!r}.", key)
        return name

    def one_of(self, key: str, allowed: Iterable[str], what: str = "") -> str:
        known = list(allowed)
        value = self.need(key)
        if value not in known:
            problem = f"{key}{what and ' ' + what}, not {value!r}.{hint(str(value), known, 'One of')}"
            raise self.wrong(problem, key)
        return str(value)

    def tables(self, key: str) -> Iterator[tuple[int, object]]:
        """Each table of a list [[key]], counted from 1."""
        value = self.item.get(key, [])
        if not isinstance(value, list):
            raise self.wrong(f"{key} must be a list: write [[{key}]] for each.", key)
        yield from enumerate(value, start=1)

    def at(self, key: str, number: int) -> Place:
        """The place of the n-th table of a list, counted from 1."""
        return (*self.place, key, number - 1)


def distinct(values: Iterable[tuple[str, Place]], what: str) -> None:
    """Raise PlanError where a value is there twice, at the second one."""
    seen: set[str] = set()
    for value, place in values:
        if value in seen:
            raise PlanError(f"two {what}: {value}.", place)
        seen.add(value)
