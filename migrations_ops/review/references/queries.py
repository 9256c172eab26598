"""The named SQL of references between tenants."""

from pathlib import Path
from typing import Any

from psycopg.sql import Composable

from migrations_ops.engine.session import Session
from vital.db import sql

QUERIES = sql.load(Path(__file__).parent / "sql")


def ask(session: Session, name: str, params: sql.Params | None = None, /, **parts: Composable) -> list[tuple[Any, ...]]:
    return session.execute(sql.compose(QUERIES[name], **parts), params)
