"""The named SQL of the control room."""

from pathlib import Path
from typing import Any

from psycopg.sql import Composable

from vital.db import sql
from vital.db.django_rows import rows

QUERIES = sql.load(Path(__file__).parent / "sql")


def ask(name: str, params: sql.Params | None = None, /, **parts: Composable) -> list[tuple[Any, ...]]:
    return rows(sql.compose(QUERIES[name], **parts), params)
