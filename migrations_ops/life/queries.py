"""The named SQL of a tenant's life."""

from pathlib import Path
from typing import Any

from psycopg.sql import Composable

from migrations_ops.engine import sql
from migrations_ops.engine.session import Session

QUERIES = sql.load(Path(__file__).parent / "sql")


def ask(session: Session, name: str, params: sql.Params | None = None, /, **parts: Composable) -> list[tuple[Any, ...]]:
    return session.execute(sql.compose(QUERIES[name], **parts), params)
