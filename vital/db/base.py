"""Django's database wrapper for VITAL; named by ENGINE in settings.py."""

from typing import Any

from django.conf import settings
from django_tenants.postgresql_backend import base

from vital import embedded


class DatabaseWrapper(base.DatabaseWrapper):  # type: ignore[misc]  # django-tenants has no type hints
    """Pooled tenants share their tables, so the search path never follows a tenant.

    The embedded PostgreSQL starts with the first connection and not with the settings, so that `--help`, checks and
    type checkers start no server.
    """

    def get_connection_params(self) -> dict[str, Any]:
        if self.settings_dict.get("EMBEDDED") and not self.settings_dict["NAME"]:
            server = embedded.ensure_running(settings.HOME)
            self.settings_dict.update(settings_for(server.owner_url))
        params: dict[str, Any] = super().get_connection_params()
        params.setdefault("application_name", "vital")
        params.setdefault("connect_timeout", 10)
        return params

    def init_connection_state(self) -> None:
        super().init_connection_state()
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT set_config('search_path', %s, false)", [f"{settings.OWN_SCHEMA}, public"])

    def _handle_search_path(self, cursor: Any = None) -> None:
        """Nothing: django-tenants would SET the path again for each cursor (measured 2 x the time of a query)."""


def settings_for(url: str) -> dict[str, Any]:
    """Django's connection settings of a libpq URL, as far as an embedded server needs them."""
    parts = base.psycopg.conninfo.conninfo_to_dict(url)
    return {
        "NAME": parts.get("dbname", ""),
        "USER": parts.get("user", ""),
        "PASSWORD": parts.get("password", ""),
        "HOST": parts.get("host", ""),
        "PORT": str(parts.get("port", "")),
    }
