"""Statements that differ in their values alone are one, with how often it was sent and by whom."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from migrations_ops.impact.reading import Reading, read
from migrations_ops.impact.sources import Sent
from migrations_ops.impact.splitting import normalised

SAMPLES = 50  # of one statement, with other values each


@dataclass
class Statement:
    """`shown` has no values, `text` is as it was sent first; `samples` are some more, whose values may differ."""

    number: int
    text: str
    shown: str
    role: str
    where: str
    reading: Reading
    calls: int = 0
    samples: list[str] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        return {"statement": self.shown, "role": self.role, "calls": self.calls, "where": self.where}


def grouped(sent: Iterable[Sent], otherwise: str) -> list[Statement]:
    """One of each, in the order in which they came. `otherwise` is who sends those of which that is not known."""
    found: dict[tuple[str, str], Statement] = {}
    for one in sent:
        reading, role = read(one.text), one.role or otherwise
        key = (role, reading.fingerprint or normalised(one.text))
        if key not in found:
            found[key] = Statement(len(found) + 1, one.text, normalised(one.text), role, one.where, reading)
        statement = found[key]
        statement.calls += one.calls
        if one.text not in statement.samples and len(statement.samples) < SAMPLES:
            statement.samples.append(one.text)
    return list(found.values())


def is_ours(reading: Reading) -> bool:
    """Whether it is about VITAL's own tables, which no application knows."""
    return any(name.startswith('"vital".') for name in reading.tables)


def applications(statements: Iterable[Statement]) -> list[Statement]:
    """Those that some application has sent: not VITAL's own, and none that only sets or begins something."""
    return [one for one in statements if one.reading.kind != "utility" and not is_ours(one.reading)]


def sent_most(statements: list[Statement], most: int | None) -> list[Statement]:
    """Those that were sent most, in the order in which they came; all, where `most` is None."""
    chosen = {one.number for one in sorted(statements, key=lambda one: -one.calls)[:most]}
    return [one for one in statements if one.number in chosen]
