"""What a body changes of a row: whatever it says otherwise than the answer does.

Frontends save what they read: the whole row, with defaults, fall-backs and second names that no column holds. So a
field that the answer has with the same value is left out, and each other has one place: a column, or a key of
`metadata`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tenants.errors import BadRequestBody

METADATA = "metadata"
Values = dict[str, Any]


@dataclass(frozen=True)
class Row:
    """A row as an answer shows it, and the names of its table's columns."""

    shown: Mapping[str, Any]
    columns: frozenset[str]

    def says(self, name: str, value: object) -> bool:
        """Whether the answer has this field with this value."""
        return name in self.shown and same(self.shown[name], value)


@dataclass
class Changes:
    """New values by column, and by key of `metadata`; and the keys that go."""

    columns: Values = field(default_factory=dict)
    keys: Values = field(default_factory=dict)
    gone: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.columns or self.keys or self.gone)


def otherwise(given: Mapping[str, Any], row: Row) -> Values:
    """The fields of a body that the answer does not have, or has with another value."""
    return {name: value for name, value in given.items() if not row.says(name, value)}


def changes(values: Values, row: Row, second_names: Mapping[str, str]) -> Changes:
    """Where these values go. `second_names`: field → column; every other column goes by its own name.

    Raises BadRequestBody where two names for one place have different values, and where `metadata` holds no object
    that could keep what has no column.
    """
    told: dict[str, str] = {}  # place → the name it came by
    found = Changes()
    for name, value in values.items():
        if name == METADATA:
            continue
        column = second_names.get(name, name)
        place = found.columns if column in row.columns else found.keys
        if not same(place.setdefault(column, value), value):
            raise _unequal(told[column], name)
        told[column] = name
    _into_metadata(found, values, row)
    return found


def _into_metadata(found: Changes, values: Values, row: Row) -> None:
    """A whole `metadata` is its keys, one by one: those that nobody touches stay as they are stored."""
    was = row.shown.get(METADATA)
    is_object = was is None or isinstance(was, dict)
    old = was if isinstance(was, dict) else {}
    if METADATA not in values:
        if found.keys and not is_object:
            names = ", ".join(found.keys)
            raise BadRequestBody(
                f"{names}: no column has this name, and the row's metadata is not an object to keep it in."
            )
        return
    new = values[METADATA]
    for key, value in (new or {}).items():
        if key in old and same(old[key], value):
            continue
        if not same(found.keys.setdefault(key, value), value):
            raise _unequal(key, f"{METADATA}.{key}")
    if new is None or not is_object:
        found.columns[METADATA], found.keys = found.keys or new, {}
    else:
        found.gone = [key for key in old if key not in new and key not in found.keys]


def _unequal(one: str, other: str) -> BadRequestBody:
    return BadRequestBody(f"The fields {one} and {other} are two names for one value, and say different ones.")


def same(one: object, other: object) -> bool:
    """Whether two values are the same JSON. Numbers are compared as JavaScript reads them, as doubles: a page that
    sends back a long number cannot send back its last digits."""
    match one, other:
        case (bool(), _) | (_, bool()):
            return one is other
        case int() | float(), int() | float():
            return _double(one) == _double(other)
        case dict(), dict():
            return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
        case list(), list():
            return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and one == other


def _double(number: float) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.copysign(math.inf, number)
