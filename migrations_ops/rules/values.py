"""The value that a condition compares with, by the shape that its kind takes. Every reader may raise PlanError."""

import math
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from migrations_ops.rules.model import Bound
from migrations_ops.rules.reader import Given


def _flag(given: Given, kind: str) -> bool:
    return given.flag(kind)


def _scalar(given: Given, kind: str) -> str:
    return _as_text(given, kind, given.item[kind], kind)


def _scalars(given: Given, kind: str) -> tuple[str, ...]:
    value = given.item[kind]
    if not isinstance(value, list) or not value:
        raise given.wrong(f'{kind} must be a list, like ["a", "b"], not {value!r}.', kind)
    return tuple(_as_text(given, kind, part, kind, number) for number, part in enumerate(value))


def _as_text(given: Given, kind: str, value: object, *steps: str | int) -> str:
    """As PostgreSQL would show it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    if isinstance(value, date):
        raise given.wrong(f"{kind} compares texts; for {value} say between, or at_least and less.", *steps)
    raise given.wrong(f"{kind} compares with a text, a number, true or false, not {value!r}.", *steps)


def _texts(given: Given, kind: str) -> tuple[str, ...]:
    return given.text_or_texts(kind)


def _list(given: Given, kind: str) -> tuple[str, ...]:
    return given.texts(kind)


def _pattern(given: Given, kind: str) -> str:
    return given.text(kind)


def _bound(given: Given, kind: str) -> Bound:
    return _compared(given, kind, given.item[kind], kind)


def _range(given: Given, kind: str) -> tuple[Bound, Bound]:
    value = given.item[kind]
    if not isinstance(value, list) or len(value) != 2:
        raise given.wrong(f"{kind} must be a list of two, like [1, 9], not {value!r}.", kind)
    low, high = (_compared(given, kind, part, kind, number) for number, part in enumerate(value))
    if low.type != high.type:
        raise given.wrong(f"{kind} has two of one sort: two numbers, two dates or two times.", kind)
    if value[0] > value[1]:
        raise given.wrong(f"{kind} can never match: {low.text} comes after {high.text}. Exchange the two.", kind)
    return low, high


def _compared(given: Given, kind: str, value: object, *steps: str | int) -> Bound:
    if isinstance(value, datetime):
        return Bound(value.isoformat(), "timestamptz" if value.tzinfo else "timestamp")
    if isinstance(value, date):
        return Bound(value.isoformat(), "date")
    if isinstance(value, float) and math.isfinite(value):
        return Bound(f"{Decimal(repr(value)):f}", "numeric")
    if isinstance(value, int) and not isinstance(value, bool):
        return Bound(str(value), "numeric")
    example = "5, 2024-01-31 or 2024-01-31T00:00:00Z"
    advice = f" Write it without quotes, like {example}." if isinstance(value, str) else ""
    raise given.wrong(f"{kind} compares with a number, a date or a time, not {value!r}.{advice}", *steps)


READERS: dict[str, Callable[[Given, str], Any]] = {
    "scalar": _scalar,
    "scalars": _scalars,
    "texts": _texts,
    "list": _list,
    "pattern": _pattern,
    "bound": _bound,
    "range": _range,
    "flag": _flag,
}
