"""Which tenant: header, else host name, else cookie, else the credential's own. None of them grants anything."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import connection

from tenants.errors import BadTenantId, TenantRefused
from tenants.identity import TenantInfo, TenantRequest, tenant_id
from tenants.ttl_cache import Memory
from vital.db import scope, sql

if TYPE_CHECKING:
    from tenants.identity import Caller

QUERIES = sql.load(Path(__file__).parent / "sql")


_registry: Memory[dict[str, TenantInfo]] = Memory(1)
_hosts: Memory[dict[str, str]] = Memory(1)
_homes: Memory[str] = Memory(10_000)


def active_tenants() -> dict[str, TenantInfo]:
    """Every active tenant by id. There are few: one question knows them all."""
    return _registry.recall("all", _read_registry)


def _read_registry() -> dict[str, TenantInfo]:
    rows = _ask("active_tenants")
    return {
        id: TenantInfo(id, slug, name, id == settings.PLATFORM_ID, json.loads(text)) for id, slug, name, text in rows
    }


def home_of(subject: str) -> str:
    """The tenant of the platform's user whom a token is about; empty where there is none."""
    known = tenant_id(subject)
    if known is None:
        return ""
    found = _homes.get(known)
    if found is None:
        rows = _ask("home_of_user", {"id": known})
        found = _homes.put(known, str(rows[0][0]) if rows and rows[0][0] else "")
    return found


def _ask(name: str, params: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
    """The service's own question, as vital_operator in a transaction of its own."""
    with scope.acting_as(scope.operator_scope(read_only=True)), connection.cursor() as cursor:
        cursor.execute(QUERIES[name], params)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found


def resolve(request: TenantRequest, caller: "Caller") -> TenantInfo | None:
    """The tenant this request is for; None where it names none and the caller has none of its own.

    Raises BadTenantId, and TenantRefused alike for tenants that are unknown, inactive, or not the caller's.
    """
    wanted = _named_by(request) or caller.home
    if not wanted:
        if caller.tenants is None or caller.kind == "anonymous":
            return None
        raise TenantRefused
    if caller.tenants is not None and wanted not in caller.tenants:
        raise TenantRefused
    facts = active_tenants().get(wanted)
    if facts is None:
        raise TenantRefused
    return facts


def _named_by(request: TenantRequest) -> str:
    """The id that header, host or cookie name, in this order; empty where none does."""
    header = request.headers.get("x-tenant-id")
    if header is not None:
        return _uuid(header)
    of_host = _of_host(request.get_host())
    if of_host:
        return of_host
    cookie = request.COOKIES.get("tenant_id")
    return _uuid(cookie) if cookie is not None else ""


def _of_host(host: str) -> str:
    """The tenant whose own name the host is, or whose slug is in front of the tenants' domain; empty where it is
    neither. Raises TenantRefused."""
    name = host.lower().rsplit(":", 1)[0] if not host.endswith("]") else host
    hosts = _hosts.recall("all", lambda: dict(_ask("hosts_of_tenants", {"platform": settings.PLATFORM_ID})))
    if name in hosts:
        return hosts[name]
    slug = subdomain(name)
    if not slug:  # nothing to look up, and while isolation is off operators may not read the tenants
        return ""
    for facts in active_tenants().values():
        if facts.slug == slug:
            return facts.id
    raise TenantRefused


def _uuid(text: str) -> str:
    known = tenant_id(text.strip())
    if known is None:
        raise BadTenantId
    return known


def subdomain(name: str) -> str:
    """The label in front of the tenants' domain; the service's own names, listed as allowed hosts, are no tenant's."""
    if name in settings.ALLOWED_HOSTS:
        return ""
    for domain in filter(None, (settings.TENANT_DOMAIN, "localhost" if settings.DEMO else "")):
        if name.endswith(f".{domain}"):
            return name.removesuffix(f".{domain}")
    return ""
