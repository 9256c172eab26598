"""The host names under which a tenant is known: one is its own domain, others beside it are aliases."""

from typing import Any

from tenants.inventory import Inventory
from tenants.lifecycle import registry
from tenants.lifecycle.queries import ask
from tenants.lifecycle.registry import HOST, Record
from vital.db.session import Session
from vital.errors import EngineError


class NotThatHost(EngineError):
    """The host name {host} cannot be {what}: {why}. Nothing was changed."""

    exit_code = 2


def add(session: Session, inventory: Inventory, slug: str, host: str, who: str, reason: str) -> Record:
    """One more name for the tenant. Raises NotThatHost, NoSuchTenant, ReasonRequired."""
    record, name = registry.find(session, inventory, slug), host.strip().lower()
    with registry.changing(session, who, "add host", reason, {"tenant": record.id, "host": name}):
        if not HOST.fullmatch(name):
            raise NotThatHost(host=host, what="added", why="it is none")
        refuse_anothers(session, inventory, record, name, "added")
        ask(session, "add_host", {"domain": name, "is_primary": False, "id": record.id})
    return record


def remove(session: Session, inventory: Inventory, slug: str, host: str, who: str, reason: str) -> Record:
    """One name less. Raises NotThatHost, NoSuchTenant, ReasonRequired."""
    record, name = registry.find(session, inventory, slug), host.strip().lower()
    with registry.changing(session, who, "remove host", reason, {"tenant": record.id, "host": name}):
        if name not in [known for tenant, known, _ in ask(session, "hosts") if tenant == record.id]:
            raise NotThatHost(host=host, what="removed", why=f"it is none of {record.slug}'s")
        if name == record.slug:
            raise NotThatHost(host=host, what="removed", why="it is the slug")
        if name == (record.domain or "").lower():
            raise NotThatHost(host=host, what="removed", why=f"it is the domain: tenants set {record.slug} domain=")
        ask(session, "drop_host", {"domain": name})
    return record


def follow(session: Session, inventory: Inventory, record: Record) -> None:
    """Make the domain of a changed record its primary name, inside a change; the one before becomes an alias, or
    who still calls it would be nobody. Raises NotThatHost."""
    if record.domain:
        refuse_anothers(session, inventory, record, record.domain, "the domain", own=True)
    ask(session, "put_host_first", {"domain": record.domain, "id": record.id})


def refuse_anothers(
    session: Session, inventory: Inventory, record: Record, host: str, what: str, *, own: bool = False
) -> None:
    """Raise NotThatHost where the name is taken; `own`: unless it is by this tenant."""
    holders: dict[str, Any] = {known: tenant for tenant, known, _ in ask(session, "hosts")}
    holders |= {one.domain.lower(): one.id for one in registry.records_now(session, inventory) if one.domain}
    holder = holders.get(host)
    if holder and not (own and holder == record.id):
        names = {one.id: one.slug for one in registry.records_now(session, inventory)}
        raise NotThatHost(host=host, what=what, why=f"it belongs to {names.get(holder, holder)}")
