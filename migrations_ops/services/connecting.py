"""How the configured database is reached, and who does."""

from typing import Any

from django.db import connection as django_connection

from tenants.audit import me as me


def connection_params() -> dict[str, Any]:
    """libpq's parameters of the configured database."""
    params: dict[str, Any] = django_connection.get_connection_params()
    for key in ("context", "cursor_factory", "prepare_threshold"):
        params.pop(key, None)
    return params
