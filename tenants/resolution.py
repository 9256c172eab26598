"""Which tenant: header, else host name, else what the cookie hints at, else the credential's own. None of them grants
anything, and each may name a tenant by any of its ids."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import ProgrammingError, connection

from tenants import registry
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
_aliases: Memory[dict[str, str]] = Memory(1)


def active_tenants() -> dict[str, TenantInfo]:
    """Every active tenant by id. There are few: one question knows them all."""
    return _registry.recall("all", _read_registry)


def _read_registry() -> dict[str, TenantInfo]:
    platform = registry.known().platform_id
    return {
        id: TenantInfo(id, slug, name, id == platform, json.loads(text))
        for id, slug, name, text in _ask_of_tenants("active_tenants")
    }


def canonical(known: str) -> str:
    """The id of the tenant that also goes by this one; any other id as it is."""
    return _aliases.recall("all", _read_aliases).get(known, known)


def _read_aliases() -> dict[str, str]:
    """None before VITAL's tables in the database are as new as the service, or isolation is on."""
    try:
        return dict(_ask_of_tenants("aliases_of_tenants"))
    except ProgrammingError:
        return {}


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


def _ask_of_tenants(name: str) -> list[tuple[Any, ...]]:
    """A question to the table of tenants, whatever it is called."""
    statement = sql.compose(QUERIES[name], registry=sql.relation(registry.known().registry))
    return _answers(sql.text_of(statement), None)


def _ask(name: str, params: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
    return _answers(QUERIES[name], params)


def _answers(statement: str, params: Mapping[str, Any] | None) -> list[tuple[Any, ...]]:
    """To the service's own question, as vital_operator in a transaction of its own."""
    with scope.acting_as(scope.operator_scope(read_only=True)), connection.cursor() as cursor:
        cursor.execute(statement, params)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found


def resolve(request: TenantRequest, caller: "Caller", *, hints: bool = True) -> TenantInfo | None:
    """The tenant this request is for; None where it names none and the caller has none of its own. Without `hints` the
    cookie says nothing.

    Raises BadTenantId, and TenantRefused alike for tenants that are unknown, inactive, or not the caller's.
    """
    wanted = _named_by(request) or (_hinted_at(request, caller) if hints else "") or caller.home
    if not wanted:
        if caller.tenants is None or caller.kind == "anonymous":
            return None
        raise TenantRefused
    facts = _usable(wanted, caller)
    if facts is None:
        raise TenantRefused
    return facts


def _usable(wanted: str, caller: "Caller") -> TenantInfo | None:
    """The tenant, where it is active and the caller's."""
    if caller.tenants is not None and wanted not in caller.tenants:
        return None
    return active_tenants().get(wanted)


def _named_by(request: TenantRequest) -> str:
    """The id that the header names, else the host; empty where neither does. Raises BadTenantId, TenantRefused."""
    header = request.headers.get("x-tenant-id", "").strip()
    if not header:
        return _of_host(request.get_host())
    known = tenant_id(header)
    if known is None:
        raise BadTenantId
    return canonical(known)


def _hinted_at(request: TenantRequest, caller: "Caller") -> str:
    """The id that the cookie names, where the caller may use that tenant. A frontend sets it without knowing who is
    there, so that a bad one is no reason to refuse anybody."""
    known = tenant_id(request.COOKIES.get("tenant_id", "").strip())
    if known is None:
        return ""
    wanted = canonical(known)
    return wanted if _usable(wanted, caller) else ""


def _of_host(host: str) -> str:
    """The tenant whose own name the host is, or whose slug is in front of the tenants' domain; empty where it is
    neither. Raises TenantRefused."""
    name = host.lower().rsplit(":", 1)[0] if not host.endswith("]") else host
    hosts = _hosts.recall("all", lambda: dict(_ask("hosts_of_tenants", {"platform": registry.known().platform_id})))
    if name in hosts:
        return hosts[name]
    slug = subdomain(name)
    if not slug:  # nothing to look up, and while isolation is off operators may not read the tenants
        return ""
    for facts in active_tenants().values():
        if facts.slug == slug:
            return facts.id
    raise TenantRefused


def subdomain(name: str) -> str:
    """The label in front of the tenants' domain; the service's own names, listed as allowed hosts, are no tenant's."""
    if name in settings.ALLOWED_HOSTS:
        return ""
    for domain in filter(None, (settings.TENANT_DOMAIN, "localhost" if settings.DEMO else "")):
        if name.endswith(f".{domain}"):
            return name.removesuffix(f".{domain}")
    return ""
