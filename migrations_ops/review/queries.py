"""The named SQL of findings and decisions."""

from pathlib import Path
from typing import Any

from psycopg.sql import Composable

from migrations_ops.engine.session import Session
from migrations_ops.rules.model import TableSpec
from vital.db import sql

QUERIES = sql.load(Path(__file__).parent / "sql")


def ask(session: Session, name: str, params: sql.Params | None = None, /, **parts: Composable) -> list[tuple[Any, ...]]:
    return session.execute(sql.compose(QUERIES[name], **parts), params)


def same_row(session: Session, spec: TableSpec, key: Composable) -> Composable:
    """`t` is the row of the table that has this key."""
    return sql.key_equals("t", session.typed_key(spec.relation, spec.table.key), key)
