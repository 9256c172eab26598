"""A request as the middleware has made it ready."""

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib.auth.models import User
from django.http import HttpRequest

from tenants.models import Role

UUID_SHAPE = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)

if TYPE_CHECKING:
    from django.contrib.auth.models import User


class TenantRequest(HttpRequest):
    """What the middleware adds: an id for the logs, who asks, for which tenant, whether every tenant is shown,
    and whether the answer was a remembered one (None where answers of this kind are not); in the admin, which of the
    staff asks, why the page is refused where it is, whether isolation is on, and what went wrong."""

    vital_id: str
    caller: "Caller | None"
    acting_tenant: "TenantInfo | None"  # `tenant` is a name that django-tenants reads
    sees_all: bool
    remembered: bool | None
    person: "Person | None"
    refusal: str
    isolation: "Isolation | None"
    failure: Exception | None
    _cached_user: "User"  # what Django's own middleware would ask the database for


@dataclass(frozen=True)
class TenantInfo:
    """An active tenant, as it stood at most half a second ago."""

    id: str
    slug: str
    name: str
    is_platform: bool
    settings: Mapping[str, Any]

    def feature(self, name: str) -> bool:
        """Whether a feature is on; one that nobody has switched off is."""
        return self._part("features").get(name) is not False

    def features(self) -> list[str]:
        """The features that the settings say anything about."""
        return sorted(self._part("features"))

    def limit(self, name: str) -> int:
        """A limit, -1 for none."""
        value = self._part("limits").get(name, -1)
        return value if isinstance(value, int) and not isinstance(value, bool) else -1

    def _part(self, name: str) -> Mapping[str, Any]:
        part = self.settings.get(name) if isinstance(self.settings, dict) else None
        return part if isinstance(part, dict) else {}


def tenant_id(text: str) -> str | None:
    """The canonical form of a UUID; None for anything else (Python's own parser also takes braces and URNs)."""
    return str(UUID(text)) if UUID_SHAPE.fullmatch(text) else None


@dataclass(frozen=True)
class Caller:
    """A credential, once it is known to be good. It grants; what a request says chooses among what is granted.

    `tenants` are those it may use, None for every one; `home` is used where the request names none.
    """

    kind: str
    name: str
    role: str
    tenants: frozenset[str] | None = frozenset()
    home: str = ""
    may_write: bool = True
    metrics: bool = False
    grants: tuple[tuple[str, str], ...] = ()  # (tenant, role) where the role depends on the tenant

    def within(self, tenant: str) -> "Caller":
        """The same caller in the role that it has in this tenant."""
        role = dict(self.grants).get(tenant)
        return dataclasses.replace(self, role=role) if role else self

    @property
    def is_super_admin(self) -> bool:
        return self.role == Role.SUPER_ADMIN

    @property
    def is_admin(self) -> bool:
        return self.role in (Role.ADMIN, Role.SUPER_ADMIN)


@dataclass(frozen=True)
class Person:
    """Somebody of the staff: the active tenants that they may look into, by name, and the one they look into now."""

    user: User
    tenants: tuple[TenantInfo, ...] = ()
    tenant: TenantInfo | None = None

    @property
    def sees_all(self) -> bool:
        """Whether the whole admin is theirs: a superuser's, and nobody else's."""
        return self.user.is_superuser


@dataclass(frozen=True)
class Isolation:
    """Whether the database keeps tenants apart: not as long as there is a next phase. `reason`: why, where known."""

    next_phase: str = ""
    reason: str = ""

    @property
    def is_off(self) -> bool:
        return bool(self.next_phase)
