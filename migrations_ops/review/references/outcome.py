"""What resolving references comes to: rows that move or are copied, what else follows, and what forbids it."""

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from migrations_ops.review.reference_ways import COPY
from migrations_ops.review.references.graph import Group, Link, Reference, Row
from vital.errors import EngineError, Problem

MOST_ROWS = 20_000  # that one resolution changes: it is a single transaction, for which applications wait
Values = dict[str, str | None]
Kind = tuple[Link, str | None, str | None]


class TooManyRows(EngineError):
    """More than {most:,} rows would change with these references. Nothing was changed. Name fewer rows with --key, or
    move the rows by a rule first: ./manage.py tenants move FILE."""

    exit_code = 2


@dataclass(frozen=True)
class Move:
    """A row that gets another tenant."""

    before: str
    after: str
    version: str


@dataclass
class Copy:
    """A row that is copied for a tenant. `old` are values of its as text, by column, `values` those of the copy, whose
    `key` it is."""

    row: Row
    owner: str
    version: str
    old: Values = field(default_factory=dict)
    values: Values = field(default_factory=dict)
    key: str = ""

    @property
    def changed(self) -> list[str]:
        """The columns in which it differs from its original."""
        return [name for name, value in self.values.items() if name not in self.old or value != self.old[name]]


@dataclass
class Outcome:
    """`refers` is what copies have to refer to a copy of. `would_cross` are references that lead into another tenant
    only afterwards, `still_cross` those that do before and after. `reuses` are copies that an earlier resolution has
    made: row → its key, its values, and the resolution."""

    group: Group
    way: str
    resolves: list[Reference]
    moves: dict[Row, Move] = field(default_factory=dict)
    copies: list[Copy] = field(default_factory=list)
    reuses: dict[Row, tuple[str, dict[str, str | None], int]] = field(default_factory=dict)
    emptied: dict[str, list[str]] = field(default_factory=dict)
    refers: dict[tuple[Row, Link], Row] = field(default_factory=dict)
    would_cross: Counter[Kind] = field(default_factory=Counter)
    still_cross: Counter[Kind] = field(default_factory=Counter)
    forbids: list[Problem] = field(default_factory=list)
    overruled: list[dict[str, Any]] = field(default_factory=list)

    @property
    def token(self) -> str:
        """Stands for what was shown: the references, the rows as they are, and all else."""
        rows = [(row, repr(move)) for row, move in self.moves.items()]
        rows += [(copy.row, copy.version) for copy in self.copies]
        single = [(r.child, r.version, r.parent, r.parent_version, r.link.columns) for r in self.resolves]
        others = [*map(repr, self.would_cross.items()), *map(repr, self.forbids), *map(repr, self.overruled)]
        others += [repr((row, key)) for row, (key, *_) in self.reuses.items()]
        parts = [f"{len(single)}.{_digest(single)}", f"{len(rows)}.{_digest(rows)}", _digest(others)]
        return "-".join([self.way, *parts])

    def changed_since(self, token: str) -> str:
        """What is not as it was shown, in words."""
        was, now = (text.rsplit("-", 3) for text in (token, self.token))
        if len(was) != 4 or was[0] != now[0]:
            return "it was shown for another way"
        said = []
        for name, before, after in zip(("references", "rows that change"), was[1:3], now[1:3], strict=True):
            (count, digest), (count_now, digest_now) = before.partition(".")[::2], after.partition(".")[::2]
            if count != count_now:
                said.append(f"{name}: {count} then, {count_now} now")
            elif digest != digest_now:
                said.append(f"{name}: another session has written to some of the {count}")
        return "; ".join(said) or "what follows from it is not what it was"

    def rows(self) -> int:
        """How many rows are changed or added."""
        return len(self.moves) + len(self.copies) + (len(self.resolves) if self.way == COPY else 0)


def _digest(parts: Iterable[object]) -> str:
    return hashlib.sha256("\n".join(sorted(map(repr, parts))).encode()).hexdigest()[:16]
