"""Chances and ids that are the same for the same seed, on every machine and every Python."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import md5
from random import Random
from typing import TypeVar

PLATFORM = "00000000-0000-0000-0000-000000000001"

Value = str | int | bool | None
Row = tuple[Value, ...]
T = TypeVar("T")

_START = datetime(2025, 9, 1, 8, 0, tzinfo=UTC)
STAMPS = 16384


class Dice:
    """A stream of chances of its own for each table, so that one table's rows do not depend on another's number.

    Everything is made from Random.random(): of Random's methods only that one is promised never to change.
    """

    def __init__(self, *seed: str | int) -> None:
        self.roll = Random("/".join(map(str, seed))).random  # noqa: S311  # nothing secret is made with it

    def pick(self, choices: Sequence[T]) -> T:
        return choices[int(self.roll() * len(choices))]

    def chance(self, share: float) -> bool:
        return self.roll() < share

    def between(self, low: int, high: int) -> int:
        """A whole number, both ends included."""
        return low + int(self.roll() * (high - low + 1))

    def some(self, choices: Sequence[T], low: int, high: int) -> list[T]:
        """`low` to `high` neighbours out of the choices, so none comes twice."""
        start, count = int(self.roll() * len(choices)), self.between(low, high)
        return [choices[(start + step) % len(choices)] for step in range(count)]

    def tenant(self, share: float) -> str | None:
        """The platform's id for a share of the rows, else none."""
        return PLATFORM if self.roll() < share else None

    def decimal(self, low: int, high: int, places: int) -> str:
        """A number with that many decimal places, its digits drawn between `low` and `high`."""
        return f"{self.between(low, high) / 10**places:.{places}f}"


class Ids:
    """The ids of one table: a version-4 UUID for each row number, so that a reference needs no look-up."""

    def __init__(self, seed: int, table: str) -> None:
        self._prefix = md5(f"{seed}/{table}/".encode(), usedforsecurity=False)

    def __call__(self, number: int) -> str:
        digest = self._prefix.copy()
        digest.update(b"%d" % number)
        text = digest.hexdigest()
        return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"


def stamp(step: int) -> str:
    """A point in time of late 2025; neighbouring steps are seven minutes apart, and the steps come round again."""
    return _stamp(step % STAMPS)


@cache
def _stamp(step: int) -> str:
    return f"{_START + timedelta(minutes=7 * step):%Y-%m-%d %H:%M:%S}+00"


def array(items: Sequence[str]) -> str:
    """PostgreSQL's text form of a text[]."""
    quoted = ('"' + item.replace("\\", "\\\\").replace('"', '\\"') + '"' for item in items)
    return "{" + ",".join(quoted) + "}"


def jsonb(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
