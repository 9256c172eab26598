"""Who is before the admin, and what is theirs: every page is a superuser's unless its name says otherwise here."""

from contextlib import AbstractContextManager

from django.http import HttpRequest

from tenants import availability
from tenants.auth.authentication import staff_of_session
from tenants.errors import MigrationRequired
from tenants.identity import Person, TenantInfo
from tenants.resolution import active_tenants
from vital.db import scope

OWN = "own"  # the namespace of the pages for a tenant's staff, which run with isolation
CHOSEN = "tenant"  # where the session keeps which of several tenants is looked into

# Before anybody is known, and about oneself: they read and write accounts, and nothing of a tenant.
FOR_ALL = frozenset({"admin:login", "admin:logout", "admin:jsi18n", "own:login", "own:logout", "own:jsi18n"})
WITH_PASSWORD = frozenset({"admin:login", "own:login", "own:password_change"})  # where it can be guessed
OF_ONESELF = frozenset({"own:password_change", "own:password_change_done", "own:switch"})


class PageRefused(Exception):
    """A page that this person may not see. The message is for them."""


def person_of(request: HttpRequest, page: str) -> Person | None:
    """Who is logged in, asked anew for each request; None for anybody who is not of the staff."""
    with accounts():
        found = staff_of_session(request)
        chosen = str(request.session.get(CHOSEN, "")) if found else ""
    if found is None:
        return None
    user, grants = found
    if user.is_superuser and not page.startswith(f"{OWN}:"):
        return Person(user)
    roles = {str(grant.tenant_id): grant.role for grant in grants}
    known = [facts for facts in _active_tenants().values() if user.is_superuser or facts.id in roles]
    tenants = tuple(sorted(known, key=lambda facts: facts.name))
    tenant = next((facts for facts in tenants if facts.id == chosen), tenants[0] if tenants else None)
    return Person(user, tenants, tenant)


def accounts() -> AbstractContextManager[None]:
    """The scope in which accounts and everything else of the Platform's are read and written; before there are roles
    the login works as itself."""
    return scope.acting_as(scope.operator_scope(read_only=False) if availability.has_roles() else scope.ITSELF)


def tenant_of_page(page: str, person: Person, *, reads: bool) -> TenantInfo | None:
    """The tenant that the page is shown to; None where the person may see everything. Raises PageRefused."""
    if not page.startswith(f"{OWN}:"):
        if person.sees_all:
            return None
        raise PageRefused("This page is for the Platform's admins.")
    if person.tenant is None:
        raise PageRefused(_why_none())
    if not reads:
        raise PageRefused("Rows are only shown here. A tenant's applications change them.")
    return person.tenant


def _why_none() -> str:
    try:
        availability.require_isolation()
    except MigrationRequired:
        return "Isolation is off: no tenant can be opened before 006_row_level_security is completed."
    return "You are staff of no tenant that is active. An admin of the Platform can make you a member of one."


def _active_tenants() -> dict[str, TenantInfo]:
    """Those that can be looked into: none before isolation is on."""
    try:
        availability.require_isolation()
    except MigrationRequired:
        return {}
    return active_tenants()
