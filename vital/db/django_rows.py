"""Rows of one composed statement on Django's own connection."""

from typing import Any

from django.db import connection
from psycopg.sql import Composable

from vital.db.sql import Params


def rows(statement: Composable, params: Params | None = None) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, params or {})
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found
