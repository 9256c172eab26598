"""A migrated database with the whole cast, and a production service on it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from tests.support import cast_rows, databases
from tests.support.command_results import Manage, said
from tests.support.databases import Scratch
from tests.support.service import DEMO, PRODUCTION, Service, served


@dataclass(frozen=True)
class ServiceUnderTest:
    """`sql` reads and writes past row level security; `login` is the service's own URL."""

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
def database_with_cast(template: Scratch) -> Iterator[Scratch]:
    """A copy of the migrated database with the cast's rows."""
    scratch = databases.clone_with_grants(template)
    try:
        cast_rows.insert_cast(scratch)
        yield scratch
    finally:
        databases.drop(scratch)


@contextmanager
def service_login(server_url: str, scratch: Scratch, manage: Manage) -> Iterator[str]:
    """The URL of a login as the product makes it for its service; it is dropped after the database."""
    name = f"vital_test_login_{uuid4().hex[:12]}"
    try:
        done = manage(scratch, "create_login", name)
        assert done.returncode == 0, said(done)
        yield done.stdout.strip()
    finally:
        databases.drop(scratch)
        databases.drop_login(server_url, name)


@dataclass(frozen=True)
class ServiceDatabase:
    """A migrated database with the cast's rows, and the URL of the service's login."""

    database: Scratch
    login: str


@contextmanager
def created_database(server_url: str, template: Scratch, manage: Manage) -> Iterator[ServiceDatabase]:
    """The database that others are copies of: the login belongs to the cluster, and is made once."""
    with database_with_cast(template) as scratch, service_login(server_url, scratch, manage) as url:
        yield ServiceDatabase(scratch, url)


@contextmanager
def copied_database(service_database: ServiceDatabase) -> Iterator[ServiceDatabase]:
    """A copy of the database, with the same login."""
    scratch = databases.clone_with_grants(service_database.database)
    try:
        yield ServiceDatabase(scratch, databases.same_login(service_database.login, scratch))
    finally:
        databases.drop(scratch)


@contextmanager
def started(
    service_database: ServiceDatabase,
    settings: Mapping[str, str] = PRODUCTION,
    prepare: Callable[[Scratch], None] = lambda scratch: None,
) -> Iterator[ServiceUnderTest]:
    """A service on a copy of the database; `prepare` changes the copy before the service starts."""
    with copied_database(service_database) as own:
        prepare(own.database)
        with served(own.login, settings) as service:
            yield ServiceUnderTest(service, own.database, own.login)


@contextmanager
def started_as_demo(template: Scratch) -> Iterator[ServiceUnderTest]:
    """A service in demo mode with the owner as its login, as `make demo` has it, on a copy of the migrated database."""
    with database_with_cast(template) as scratch, served(scratch.owner_url, DEMO) as service:
        yield ServiceUnderTest(service, scratch, scratch.owner_url)


def new_key(scratch: Scratch, manage: Manage, tenant: str, scope: str) -> str:
    """An API key of the tenant with this slug."""
    name = f"{scope}-{uuid4().hex[:8]}"
    done = manage(scratch, "create_api_key", "--tenant", tenant, "--scope", scope, "--name", name)
    assert done.returncode == 0, said(done)
    return done.stdout.strip()
