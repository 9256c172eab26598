"""Triggers of others on tables that each node has a copy of: what fires there writes to each copy by itself."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from migrations_ops.distribution.queries import query
from migrations_ops.engine.session import Session
from vital.db import sql

NOW = r"(now\(\)|current_timestamp|transaction_timestamp\(\)|clock_timestamp\(\))"
# Of a function that writes the time into a column and does nothing else, be it for applications alone, as VITAL's own
# does; read by PostgreSQL and here alike.
OURS = r"if\s+current_setting\('vital\.backfill', true\)\s+is\s+distinct\s+from\s+'on'\s+then\s+"
WRITES = rf"({OURS})?new\.(\w+)\s*:?=\s*{NOW}\s*;\s*(end\s+if\s*;\s*)?"
STAMPS = rf"^\s*begin\s+{WRITES}return\s+new\s*;\s*end\s*;?\s*$"
STAMP = re.compile(STAMPS, re.IGNORECASE)
BEFORE_UPDATE = 19  # of each row: the type of a trigger that may
DIFFERS = re.compile(
    r"\b(now|clock_timestamp|statement_timestamp|random|gen_random_uuid|uuid_generate_\w+|nextval)\s*\(|current_timestamp"
    r"|\b(insert\s+into|update|delete\s+from)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Trigger:
    """`stamps`: the column into which it writes the time of a change, and does nothing else; or empty. `differs`:
    whether it may write something else to each copy."""

    relation: str
    name: str
    stamps: str
    differs: bool


def triggers_of(session: Session, relations: list[str]) -> Iterator[Trigger]:
    """Those of applications, and VITAL's own that write the time."""
    for relation, name, source, kind in session.execute(query("triggers_to_place", tables=sql.literal(relations))):
        plain = STAMP.fullmatch(source) if kind == BEFORE_UPDATE else None
        stamps = plain[2] if plain else ""
        yield Trigger(relation, name, stamps, not stamps and bool(DIFFERS.search(source)))
