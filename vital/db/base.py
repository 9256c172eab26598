"""Django's database wrapper for VITAL; named by ENGINE in settings.py."""

import select
from typing import Any

import psycopg
from django.conf import settings
from django_tenants.postgresql_backend import base
from psycopg.pq import ConnStatus

from vital.db import cluster, embedded, session_settings
from vital.db import scope as context
from vital.db.cursor import ScopedCursor


class DatabaseWrapper(base.DatabaseWrapper):  # type: ignore[misc]  # django-tenants has no type hints
    """Pooled tenants share their tables, so the search path never follows a tenant; a transaction's scope does.

    The embedded PostgreSQL starts with the first connection and not with the settings, so that `--help`, checks and
    type checkers start no server.
    """

    otherwise: tuple[str, ...] = ()  # the settings that each transaction of this connection must set
    on_cluster = False  # whether tables of this connection's database may lie on several servers

    def get_connection_params(self) -> dict[str, Any]:
        if self.settings_dict.get("EMBEDDED") and not self.settings_dict["NAME"]:
            server = embedded.ensure_running(settings.HOME)
            self.settings_dict.update(settings_for(server.owner_url))
        params: dict[str, Any] = super().get_connection_params()
        params.setdefault("application_name", "vital")
        params.setdefault("connect_timeout", 10)
        params["client_encoding"] = session_settings.ENCODING
        params["cursor_factory"] = ScopedCursor
        return params

    def init_connection_state(self) -> None:
        """Commands are direct and have a session of their own; the service's may be shared by a pooler: no settings."""
        super().init_connection_state()
        with self.connection.cursor() as cursor:
            if settings.SERVING:
                self.otherwise = tuple(name for (name,) in cursor.execute(context.otherwise_statement()))
            else:
                cursor.execute(context.session_statement())
            self.on_cluster = cursor.execute(cluster.IS_CLUSTER).fetchone()[0]

    def _configure_timezone(self, connection: Any) -> bool:
        """Nothing: sessions and transactions set theirs, and Django's would outlive the transaction behind a pooler."""
        return False

    def _set_autocommit(self, autocommit: bool) -> None:
        """Begin a transaction. A scope's begins in the message of its first statement: none can come before."""
        scope = context.current()
        if autocommit or scope is None:
            self.connection.vital_scope = None
            super()._set_autocommit(autocommit)
            return
        # The demo has taken a login of its own since, or the server has ended this connection.
        if self.connection.info.user != self.settings_dict["USER"] or self._is_dead():
            self._connect_again()
        self.connection.vital_scope = context.beginning_of(scope, self.otherwise, on_cluster=self.on_cluster)

    def _is_dead(self) -> bool:
        """Whether the server has closed the connection since its last use; asked of the socket, not of the server."""
        try:
            if select.select([self.connection.fileno()], [], [], 0)[0]:
                self.connection.pgconn.consume_input()
        except (OSError, ValueError, psycopg.OperationalError):
            return True
        return bool(self.connection.pgconn.status != ConnStatus.OK)

    def chunked_cursor(self) -> Any:
        """A cursor of the server's lives in a transaction that has begun."""
        with self.cursor() as cursor:
            cursor.begin()
        return super().chunked_cursor()

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
