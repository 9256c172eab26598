"""The only place where a tenant becomes current and stops being so.

A scope is a database role and a tenant for exactly one transaction: the database backend puts both on in the statement
that begins it, and nothing of them is left on the connection after COMMIT or ROLLBACK.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction

from vital.db import session_settings, sql
from vital.db.cursor import Beginning
from vital.db.roles import OPERATOR_ROLE, TENANT_ROLE

QUERIES = sql.load(Path(__file__).parent / "sql")
SCHEMAS = (settings.OWN_SCHEMA, "public")


@dataclass(frozen=True)
class Scope:
    """Who a transaction is: a role without login, the tenant's id (empty for none), and whether it may only read."""

    role: str
    tenant: str = ""
    read_only: bool = False


ITSELF = Scope("none")  # the login as it is: the demo's owner, before there are roles


class AnotherScopeIsOpen(RuntimeError):
    """A transaction has one scope; another one inside it would change who the outer one is."""


@lru_cache(maxsize=1024)
def beginning_of(scope: Scope, otherwise: tuple[str, ...] = (), *, on_cluster: bool = False) -> Beginning:
    """BEGIN, and everything that holds for this transaction only, as one message to the server.

    `otherwise`: the settings that the database or the login has other than we need them. `on_cluster`: the tenant is
    said to the workers too.
    """
    statement = sql.compose(
        QUERIES["begin_on_cluster" if on_cluster else "begin_as"],
        access=sql.raw("READ ONLY" if scope.read_only else "READ WRITE"),
        role=sql.literal(scope.role),
        tenant=sql.literal(scope.tenant),
        path=sql.literal(session_settings.search_path(*SCHEMAS)),
        settings=session_settings.for_transaction(otherwise),
        timeout=sql.literal(str(settings.STATEMENT_TIMEOUT_MS)),
    )
    return Beginning(sql.text_of(statement) + ";\n", 4 if on_cluster else 2)


def session_statement() -> str:
    """For a connection that is nobody else's: what the engine sets for its own, as one statement."""
    return sql.text_of(session_settings.for_session(*SCHEMAS))


def otherwise_statement() -> str:
    """Asks a connection of the service what its transactions must set."""
    return sql.text_of(session_settings.otherwise())


_current: ContextVar[Scope | None] = ContextVar("vital_scope", default=None)


def current() -> Scope | None:
    """The scope that the next transaction takes; None outside every scope, where the login is itself."""
    return _current.get()


@contextmanager
def acting_as(scope: Scope) -> Iterator[None]:
    """Be this scope in one transaction. Raises AnotherScopeIsOpen inside any transaction."""
    if connection.in_atomic_block:
        raise AnotherScopeIsOpen(f"{scope} was asked for inside {current()}")
    token = _current.set(scope)
    try:
        with transaction.atomic():
            yield
    finally:
        _current.reset(token)


def tenant_scope(tenant: str, *, read_only: bool) -> Scope:
    """The restricted role; without a tenant it sees the Platform's shared rows only, and may write none."""
    return Scope(TENANT_ROLE, tenant, read_only)


def operator_scope(*, read_only: bool) -> Scope:
    """Staff and the service's own questions (credentials, settings): every row of the tables it was granted."""
    return Scope(OPERATOR_ROLE, "", read_only)
