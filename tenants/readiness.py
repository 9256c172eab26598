"""Whether the migration has closed the fence: before that, the API serves nothing."""

from collections.abc import Callable

from django.conf import settings
from django.db import connection
from django.utils.module_loading import import_string

from tenants import context, logins
from tenants.errors import MigrationRequired
from tenants.memory import Memory
from tenants.resolution import QUERIES

_state: Memory[str] = Memory(1)
_roles: Memory[bool] = Memory(1)
CLOSED = "closed"


def require_migrated() -> None:
    """Raise MigrationRequired with the next phase unless the fence is closed."""
    state = _state.recall("state", _look)
    if state != CLOSED:
        raise MigrationRequired(phase=state)


def has_roles() -> bool:
    """Whether this login may put the operators' role on; before the migration the demo's owner works as itself."""
    return _roles.recall("operator", _ask_for_roles)


def _ask_for_roles() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(QUERIES["may_be_operator"])
        row = cursor.fetchone()
    return bool(row and row[0])


def _look() -> str:
    """CLOSED, or the key of the next phase."""
    phase = _next_phase()
    if phase is None and settings.DEMO:
        logins.become_restricted()
        _roles.forget()
    return phase or CLOSED


def _next_phase() -> str | None:
    """Asked as the operators' role where this login may put it on, else as the login itself: an owner, before."""
    next_phase: Callable[[], str | None] = import_string(settings.MIGRATION_STATE)
    if not has_roles():
        return next_phase()
    with context.acting_as(context.operator_scope(read_only=True)):
        return next_phase()
