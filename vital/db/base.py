"""Django's database wrapper for VITAL; named by ENGINE in settings.py."""

from typing import Any

import psycopg
from django.conf import settings
from django_tenants.postgresql_backend import base

from tenants import context
from vital import embedded


class DatabaseWrapper(base.DatabaseWrapper):  # type: ignore[misc]  # django-tenants has no type hints
    """Pooled tenants share their tables, so the search path never follows a tenant; a transaction's scope does.

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
        """Commands are direct and have a session of their own; the service's may be shared by a pooler: no settings."""
        super().init_connection_state()
        if not settings.SERVING:
            with self.connection.cursor() as cursor:
                cursor.execute("SELECT set_config('search_path', %s, false)", [f"{settings.OWN_SCHEMA}, public"])

    def _set_autocommit(self, autocommit: bool) -> None:
        """Begin a transaction. With a scope, BEGIN, role and tenant are one message: no statement can come before."""
        scope = context.current()
        if autocommit or scope is None:
            super()._set_autocommit(autocommit)
            return
        if self.connection.info.user != self.settings_dict["USER"]:  # the demo has taken a login of its own since
            self._connect_again()
        with self.wrap_database_errors:
            self._begin(context.begin_statement(scope))

    def _begin(self, statement: bytes) -> None:
        """A connection that has died since its last use is replaced once: nothing was begun on it yet."""
        try:
            self.connection.execute(statement)
        except psycopg.OperationalError:
            if not self.connection.closed:
                self.connection.rollback()
                raise
            self._connect_again()
            self.connection.execute(statement)
        except psycopg.Error:
            self.connection.rollback()
            raise

    def _connect_again(self) -> None:
        self.close()
        self.connect()

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
