"""Named statements on Django's own connection: for pages, which have one already."""

from collections.abc import Mapping
from typing import Any

from django.db import connection
from psycopg.sql import Composable

from vital.db import sql


def ask(
    queries: Mapping[str, str], name: str, params: sql.Params | None = None, /, **parts: Composable
) -> list[tuple[Any, ...]]:
    """The rows of one of these statements."""
    with connection.cursor() as cursor:
        cursor.execute(sql.compose(queries[name], **parts), params or {})
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found
