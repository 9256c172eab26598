"""A migrated database with the whole cast, and the service that works on it as in production."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from tests.conftest import Manage
from tests.support import acting, cast, databases
from tests.support.databases import Scratch
from tests.support.looking import said
from tests.support.service import PRODUCTION, Service, served


@dataclass(frozen=True)
class Stage:
    """`sql` speaks past every policy; `login` is the service's own URL."""

    service: Service
    database: Scratch
    login: str

    def sql(self, statement: str, *params: Any) -> list[tuple[Any, ...]]:
        return databases.rows(self.database.admin_url, statement, params)

    def rows(self, table: str, *tenants: str, where: str = "true", order: str = "id") -> list[dict[str, Any]]:
        """The tenants' rows as to_jsonb prints them; all tenants' where none is named."""
        chosen = where.replace("%", "%%")
        statement = f"SELECT to_jsonb(t) FROM {table} AS t WHERE (%s OR tenant_id = ANY(%s::uuid[])) AND {chosen}"
        return [row for (row,) in self.sql(f"{statement} ORDER BY {order}", not tenants, list(tenants))]

    def count(self, table: str, *tenants: str, where: str = "true") -> int:
        return len(self.rows(table, *tenants, where=where))


@contextmanager
def furnished(template: Scratch) -> Iterator[Scratch]:
    """A copy of the migrated database with the cast's rows."""
    scratch = acting.whole_clone(template)
    try:
        cast.plant(scratch)
        yield scratch
    finally:
        databases.drop(scratch)


@contextmanager
def login(server_url: str, scratch: Scratch, manage: Manage) -> Iterator[str]:
    """The URL of a login as the product makes it for its service; it is dropped after the database."""
    name = f"vital_test_login_{uuid4().hex[:12]}"
    try:
        done = manage(scratch, "create_login", name)
        assert done.returncode == 0, said(done)
        yield done.stdout.strip()
    finally:
        databases.drop(scratch)
        databases.drop_login(server_url, name)


@contextmanager
def opened(
    server_url: str,
    template: Scratch,
    manage: Manage,
    settings: Mapping[str, str] = PRODUCTION,
    prepare: Callable[[Scratch], None] = lambda scratch: None,
) -> Iterator[Stage]:
    """The whole stage; `prepare` changes the database before the service starts."""
    with furnished(template) as scratch, login(server_url, scratch, manage) as url:
        prepare(scratch)
        with served(url, settings) as service:
            yield Stage(service, scratch, url)


def new_key(scratch: Scratch, manage: Manage, tenant: str, scope: str) -> str:
    """An API key of the tenant with this slug."""
    name = f"{scope}-{uuid4().hex[:8]}"
    done = manage(scratch, "create_api_key", "--tenant", tenant, "--scope", scope, "--name", name)
    assert done.returncode == 0, said(done)
    return done.stdout.strip()
