"""Statements as the restricted role of a tenant, under row level security."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from tests.support.databases import Scratch


class TenantSession:
    """Statements as the role vital_tenant with one tenant set, all in a transaction that is rolled back."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection

    def rows(self, query: str, *params: Any) -> list[tuple[Any, ...]]:
        cursor = self.connection.execute(query.encode(), params or None)
        return cursor.fetchall() if cursor.description else []

    def touched(self, statement: str, *params: Any) -> int:
        """How many rows the statement hit."""
        return int(self.connection.execute(statement.encode(), params or None).rowcount)

    def refusal(self, statement: str, *params: Any) -> str:
        """The SQLSTATE with which the statement is refused, or an empty text; it is rolled back."""
        try:
            with self.connection.transaction(force_rollback=True):
                self.connection.execute(statement.encode(), params or None)
        except psycopg.Error as error:
            return error.sqlstate or "none"
        return ""


@contextmanager
def as_tenant(scratch: Scratch, tenant: str | None, table: str = "tools") -> Iterator[TenantSession]:
    """The restricted role with this tenant, as the service sets it, until the transaction's end. None: no tenant. Some
    `table` must be behind isolation, or it would prove nothing."""
    with psycopg.connect(scratch.admin_url) as connection:
        connection.execute("SELECT set_config('role', 'vital_tenant', true)")
        connection.execute("SELECT set_config('vital.tenant_id', %s, true)", [tenant or ""])
        being = connection.execute("SELECT current_user, row_security_active(%s)", [table]).fetchone()
        assert being == ("vital_tenant", True)
        yield TenantSession(connection)
        connection.rollback()
