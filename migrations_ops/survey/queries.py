"""The named SQL of the control room."""

from pathlib import Path
from typing import Any

from django.db import connection
from psycopg.sql import Composable

from migrations_ops.engine import sql

QUERIES = sql.load(Path(__file__).parent / "sql")


def ask(name: str, params: sql.Params | None = None, /, **parts: Composable) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql.compose(QUERIES[name], **parts), params or {})
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows
