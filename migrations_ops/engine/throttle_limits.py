"""What a run respects while others use the database: limits with a unit, a default and a sentence; all can be tuned."""

import re
from dataclasses import dataclass

from vital.errors import EngineError

OFF = "off"
UNITS: dict[str, dict[str, float]] = {
    "seconds": {"ms": 0.001, "s": 1, "min": 60, "h": 3600, "": 1},
    "bytes": {"kB": 2**10, "MB": 2**20, "GB": 2**30, "TB": 2**40, "": 1},
    "percent": {"%": 1, "": 1},
    "number": {"": 1},
}
QUANTITY = re.compile(r"(\d+(?:\.\d+)?)\s*([a-zA-Z%]*)")


@dataclass(frozen=True)
class Limit:
    """`unit` is a key of UNITS, `switch` (on or off) or `sql`. `default` is written as a person would."""

    name: str
    unit: str
    default: str
    words: str
    may_be_off: bool = True

    def read(self, text: str) -> float | str | None:
        """The value in the unit's base (seconds, bytes); None where it is off. Raises BadLimit."""
        if text == OFF and self.may_be_off:
            return None
        if self.unit == "sql":
            return text
        if self.unit == "switch" and text == "on":
            return 1.0
        found = QUANTITY.fullmatch(text.strip())
        if self.unit == "switch" or not found or found[2] not in UNITS[self.unit]:
            raise BadLimit(
                name=self.name, value=text, example=self.default if self.default != OFF else _like(self.unit)
            )
        return float(found[1]) * UNITS[self.unit][found[2]]


def _like(unit: str) -> str:
    return {"seconds": "10s", "bytes": "100MB", "percent": "90%", "sql": "a SELECT", "switch": "on"}.get(unit, "3")


class BadLimit(EngineError):
    """{name} cannot be {value!r}: write it like {example}, or off. Nothing was changed."""

    exit_code = 2


class UnknownLimit(EngineError):
    """There is no limit {name}. The limits are: {known}. Nothing was changed."""

    exit_code = 2


LIMITS = (
    Limit("replication_lag", "seconds", "10s", "how far behind in time a replica may be"),
    Limit("replication_behind", "bytes", "1GB", "how much WAL a replica or replication slot may still have to read"),
    Limit("lock_waits", "number", "10", "how many sessions may be waiting for locks in this database"),
    Limit(
        "long_transaction", "seconds", "30min", "how old another's transaction may be: it keeps VACUUM from cleaning"
    ),
    Limit("wal_rate", "bytes", "256MB", "how much WAL a second the whole server may write"),
    Limit(
        "autovacuum", "switch", "on", "whether to wait while another session's VACUUM or index build is on the table"
    ),
    Limit("connections", "percent", "90%", "how many of the server's connections may be taken"),
    Limit("free_disk", "percent", "5%", "how much of the server's disk must stay free"),
    Limit(
        "query", "sql", OFF, "a query of your own: it waits while the first value is a text, a number but 0, or true"
    ),
    Limit("batch", "seconds", "500ms", "how long a batch should take", may_be_off=False),
    Limit("vacuum", "percent", "8%", "after how much of a table's pages VACUUM cleans up behind the batches"),
    Limit(
        "keep_indexes",
        "switch",
        OFF,
        "whether indexes on the tenant column stay while the rows of a table are assigned",
    ),
    Limit("quiet", "seconds", "10min", "how long no row may have been written without a tenant before NOT NULL"),
)
BY_NAME = {limit.name: limit for limit in LIMITS}


def named(name: str) -> Limit:
    """Raises UnknownLimit."""
    if name not in BY_NAME:
        raise UnknownLimit(name=name, known=", ".join(BY_NAME))
    return BY_NAME[name]


class Limits:
    """The limits in force: what somebody set, else the default."""

    def __init__(self, tuned: dict[str, str]) -> None:
        self._tuned = tuned

    def text(self, name: str) -> str:
        return self._tuned.get(name, BY_NAME[name].default)

    def number(self, name: str) -> float | None:
        """In seconds, bytes, percent or as a number; None where it is off."""
        value = BY_NAME[name].read(self.text(name))
        assert not isinstance(value, str)
        return value
