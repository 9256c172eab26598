"""Being somebody: a tenant behind the fence, or a copy of a database that is like its original in everything."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql

from tests.support import databases
from tests.support.databases import Scratch


class Tenant:
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
        """The SQLSTATE with which the statement is refused, or an empty text; what it did is taken back."""
        try:
            with self.connection.transaction(force_rollback=True):
                self.connection.execute(statement.encode(), params or None)
        except psycopg.Error as error:
            return error.sqlstate or "none"
        return ""


@contextmanager
def as_tenant(scratch: Scratch, tenant: str | None) -> Iterator[Tenant]:
    """The restricted role, as the service puts it on, until the transaction's end. None: no tenant at all."""
    with psycopg.connect(scratch.admin_url) as connection:
        connection.execute("SELECT set_config('role', 'vital_tenant', true)")
        connection.execute("SELECT set_config('vital.tenant_id', %s, true)", [tenant or ""])
        being = connection.execute("SELECT current_user, row_security_active('tools')").fetchone()
        assert being == ("vital_tenant", True)
        yield Tenant(connection)
        connection.rollback()


def whole_clone(template: Scratch) -> Scratch:
    """A clone with the grants on the database itself, which CREATE DATABASE does not copy and 006 changes."""
    copy = databases.clone(template)
    grants = databases.rows(
        template.admin_url,
        "SELECT pg_get_userbyid(acl.grantee), acl.privilege_type FROM pg_database AS d"
        " CROSS JOIN LATERAL aclexplode(d.datacl) AS acl WHERE d.datname = %s AND acl.grantee <> 0",
        [template.name],
    )
    with psycopg.connect(copy.admin_url, autocommit=True) as connection:
        database = sql.Identifier(copy.name)
        for role, privilege in grants:
            connection.execute(
                sql.SQL("GRANT {} ON DATABASE {} TO {}").format(sql.SQL(privilege), database, sql.Identifier(role))
            )
    return copy
