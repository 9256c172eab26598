"""The review queue: open findings about rows, group by group, with the rows and what they share. It only reads."""

from dataclasses import dataclass
from typing import Any

from migrations_ops.engine.session import Session
from migrations_ops.review.findings import Findings, Group
from migrations_ops.review.queries import ask, same_row
from vital.db import sql

LOOKED_AT = 1_000  # rows of a group in which common values are looked for
KINDS, LINES = 8, 24  # most values of a column that groups, and most of all columns


@dataclass(frozen=True)
class ReviewPlace:
    """Where a person is in a group: after which finding, and with which value of which column alone."""

    table: str = ""
    check: str = ""
    after: int = 0
    column: str = ""
    value: str = ""


@dataclass(frozen=True)
class Row:
    """One finding with its row; `values` are all its columns."""

    finding: int
    key: str
    message: str
    values: dict[str, Any]


def open_groups(findings: Findings) -> list[Group]:
    """What is open about rows that the store keeps: what blocks first, then what only a person can know, then the rest;
    of equals the plan's order, in which what others follow comes first: a user decides about all their messages."""
    groups = [group for group in findings.groups() if group.open and group.kept]
    return sorted(groups, key=lambda group: (not group.blocking, group.severity != "REVIEW"))


def rows_at(session: Session, findings: Findings, place: ReviewPlace, most: int) -> list[Row]:
    """The next open rows of the group, `most` of them."""
    params = {"check": place.check, "after": place.after, "column": place.column, "value": place.value, "rows": most}
    with session.work():
        return [Row(*row) for row in ask(session, "to_review", params, **_parts(session, findings, place.table))]


def in_common(session: Session, findings: Findings, place: ReviewPlace) -> list[tuple[str, str, int]]:
    """(column, value, rows) by which the group falls into parts, of its first rows."""
    params = {"check": place.check, "rows": LOOKED_AT, "kinds": KINDS, "lines": LINES}
    with session.work():
        found = ask(session, "values_in_common", params, **_parts(session, findings, place.table))
    return [(name, value, rows) for name, value, rows in found]


def last_of(session: Session, who: str, most: int) -> list[tuple[str, str]]:
    """The rows (table, key) that this person decided about last, in one go."""
    return [(table, key) for table, key, _ in ask(session, "last_decisions_of", {"who": who, "rows": most})]


def _parts(session: Session, findings: Findings, relation: str) -> dict[str, Any]:
    spec = findings.specs[relation]
    return {
        "states": findings.states(relation),
        "relation": sql.relation(relation),
        "same_row": same_row(session, spec, sql.column("found", "key")),
    }
