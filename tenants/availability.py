"""Whether isolation is on: while it is off, the API serves nothing. And whether it may write."""

from collections.abc import Callable
from typing import Any, TypeVar

from django.conf import settings
from django.db import ProgrammingError, connection
from django.utils.module_loading import import_string
from psycopg.sql import Composable

from tenants.auth import db_logins
from tenants.errors import IsolationBroken, MigrationRequired, UnderMaintenance
from tenants.identity import Isolation
from tenants.isolation.comparison import Ask, Standing
from tenants.isolation.watch import Watch
from tenants.resolution import QUERIES
from tenants.ttl_cache import Memory
from vital.db import scope, sql

_isolation: Memory["Isolation"] = Memory(1)
_state: Memory["Isolation"] = Memory(1)
_roles: Memory[bool] = Memory(1)
_maintenance: Memory[bool] = Memory(1)
T = TypeVar("T")


def isolation() -> Isolation:
    """As it stands, at most half a second old. Not inside a scope."""
    return _isolation.recall("state", _ask)


def require_migrated() -> None:
    """Raise MigrationRequired with the next phase unless isolation is on. In demo mode the service takes its login."""
    if (state := _state.recall("state", _look)).is_off:
        raise MigrationRequired(phase=state.next_phase)


def require_isolation() -> None:
    """The same, and everything by which tenants are kept apart is as it should be. Raises IsolationBroken where not."""
    require_migrated()
    if standing().dangerous:
        raise IsolationBroken


def standing() -> Standing:
    """What is not as it should be, as it was some seconds ago at most. Not inside a scope."""
    return watch.current()


def refuse_writes() -> None:
    """Raise UnderMaintenance while somebody has switched it on; noticed within half a second."""
    if _maintenance.recall("maintenance", _ask_for_maintenance):
        raise UnderMaintenance


def _ask_for_maintenance() -> bool:
    """A service that is newer than VITAL's tables in the database serves on until they are brought up to date."""
    try:
        return _as_operator(_is_on)
    except ProgrammingError:
        return False


def _is_on() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(QUERIES["is_under_maintenance"])
        return bool((cursor.fetchone() or [False])[0])


def has_roles() -> bool:
    """Whether this login may put the operators' role on; before the migration the demo's owner works as itself."""
    return _roles.recall("operator", _ask_for_roles)


def _ask_for_roles() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(QUERIES["may_be_operator"])
        row = cursor.fetchone()
    return bool(row and row[0])


def _ask() -> Isolation:
    ask: Callable[[], Isolation] = import_string(settings.MIGRATION_STATE)
    return _as_operator(ask)


def _look() -> Isolation:
    found = _ask()
    if settings.DEMO and not found.is_off:
        db_logins.become_restricted()
        _roles.forget()
    return found


def _compared(compare: Callable[[Ask], Standing]) -> Standing:
    def ask(question: Composable) -> list[tuple[Any, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(sql.text_of(question))
            return list(cursor.fetchall())

    def look() -> Standing:
        with connection.cursor() as cursor:
            cursor.execute(QUERIES["look_briefly"])
        return compare(ask)

    return _as_operator(look)


watch = Watch(_compared)


def _as_operator(ask: Callable[[], T]) -> T:
    """Asked as the operators' role where this login may put it on, else as the login itself: an owner, before."""
    if not has_roles():
        return ask()
    with scope.acting_as(scope.operator_scope(read_only=True)):
        return ask()
