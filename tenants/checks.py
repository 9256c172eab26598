"""What the service refuses to start with, outside demo mode: anything that would make isolation a decoration."""

from contextlib import suppress

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, OperationalError, connection
from django.utils.module_loading import import_string

from tenants import availability
from tenants.errors import MigrationRequired
from tenants.resolution import QUERIES
from vital.db import scope
from vital.db.roles import LOGIN_PRIVILEGES

WEAK = ("", "changeme", "change-me", "secret", "insecure", "django-insecure")
LEAST = 16


def refuse_what_is_unsafe() -> None:
    """Raise ImproperlyConfigured with the setting or the table, and what to do. A database that is down is no reason:
    the service says 503 until it is back."""
    refuse_weak_key()
    if settings.DEMO:
        return
    try:
        _login()
        _tables()
        _isolation()
    except OperationalError:
        return
    finally:
        connection.close()


def refuse_weak_key() -> None:
    """Raise ImproperlyConfigured where the key that signs sessions could be guessed."""
    key = ""
    with suppress(ImproperlyConfigured):  # Django's own word for an empty one says nothing about what to do
        key = settings.SECRET_KEY
    if key.lower() in WEAK or key.startswith("django-insecure") or (len(key) < LEAST and not settings.DEMO):
        raise ImproperlyConfigured(
            "VITAL_SECRET_KEY is missing, a default, or shorter than 16 characters. Make one: python3 -c "
            "'import secrets; print(secrets.token_urlsafe(48))'"
        )


def _login() -> None:
    """A superuser, BYPASSRLS or an owner is not bound by isolation; such a login is for migrations only."""
    with connection.cursor() as cursor:
        cursor.execute(LOGIN_PRIVILEGES)
        name, is_super, bypasses = cursor.fetchone()
        cursor.execute(QUERIES["tables_of_the_login"], {"tables": list(settings.FENCED_SCHEMAS)})
        owns, granted, may = cursor.fetchone()
    problem = (
        "is a superuser" if is_super else "has BYPASSRLS" if bypasses else f"owns the table {owns}" if owns
        else f"has a grant of its own, or PUBLIC has one, on the table {granted}" if granted
        else "is not a member of vital_tenant and vital_operator" if not may else ""
    )  # fmt: skip
    if problem:
        raise ImproperlyConfigured(
            f"The login {name} of DATABASE_URL {problem}. Make one for the service with: ./manage.py create_login NAME"
        )


def _tables() -> None:
    """Every table with a tenant column has a policy, once the migration has turned isolation on."""
    try:
        availability.require_migrated()
    except (MigrationRequired, DatabaseError):
        return
    with scope.acting_as(scope.operator_scope(read_only=True)), connection.cursor() as cursor:
        cursor.execute(QUERIES["open_tables"], {"schemas": list(settings.FENCED_SCHEMAS)})
        names = [name for (name,) in cursor.fetchall() if name not in settings.UNFENCED_TABLES]
    if names:
        raise ImproperlyConfigured(
            f"These tables have a tenant column but no policy for tenants: {', '.join(names)}. Add them to the plan "
            "and run migrate_tenants, or name those that need none in VITAL_UNFENCED_TABLES."
        )


def _isolation() -> None:
    """Everything by which tenants are kept apart is as the plan wants it, once the migration has turned it on."""
    try:
        availability.require_migrated()
        dangerous = availability.standing().dangerous
    except (MigrationRequired, DatabaseError):
        return
    except tuple(import_string(name) for name in settings.PLAIN_ERRORS) as error:
        raise ImproperlyConfigured(f"Isolation cannot be looked at: {error}") from error
    if dangerous:
        first, *more = dangerous
        others = f" And {len(more)} more: ./manage.py doctor" if more else ""
        raise ImproperlyConfigured(f"Isolation is not as it should be. {first.seen}. Run: {first.fix}{others}")
