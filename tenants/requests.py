"""A request as the middleware has made it ready."""

from typing import TYPE_CHECKING

from django.http import HttpRequest

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from tenants.auth import Caller
    from tenants.people import Person
    from tenants.readiness import Isolation
    from tenants.resolution import Facts


class FencedRequest(HttpRequest):
    """What the middleware adds: an id for the logs, who asks, for which tenant, whether every tenant is shown,
    and whether the answer was a remembered one (None where answers of this kind are not); in the admin, which of the
    staff asks, why the page is refused where it is, whether isolation is on, and what went wrong."""

    vital_id: str
    caller: "Caller | None"
    acting_tenant: "Facts | None"  # `tenant` is a name that django-tenants reads
    sees_all: bool
    remembered: bool | None
    person: "Person | None"
    refusal: str
    isolation: "Isolation | None"
    failure: Exception | None
    _cached_user: "User"  # what Django's own middleware would ask the database for
