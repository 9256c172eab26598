"""Further ids by which applications know a tenant: each means the same tenant as its own, wherever one is named."""

from tenants.identity import tenant_id
from tenants.inventory import Inventory
from tenants.lifecycle import registry
from tenants.lifecycle.queries import ask
from tenants.lifecycle.registry import Record
from vital.db.session import Session
from vital.errors import EngineError


class NotThatAlias(EngineError):
    """The id {id} cannot be {what}: {why}. Nothing was changed."""

    exit_code = 2


def add(session: Session, inventory: Inventory, slug: str, text: str, who: str, reason: str) -> Record:
    """One more id for the tenant. Raises NotThatAlias, NoSuchTenant, ReasonRequired."""
    record, alias = registry.find(session, inventory, slug), _identifier(text, "added")
    with registry.changing(session, who, "add alias", reason, {"tenant": record.id, "alias": alias}):
        refuse_anothers(session, inventory, alias)
        ask(session, "add_alias", {"alias": alias, "id": record.id})
    return record


def remove(session: Session, inventory: Inventory, slug: str, text: str, who: str, reason: str) -> Record:
    """One id less. Raises NotThatAlias, NoSuchTenant, ReasonRequired."""
    record, alias = registry.find(session, inventory, slug), _identifier(text, "removed")
    with registry.changing(session, who, "remove alias", reason, {"tenant": record.id, "alias": alias}):
        if not ask(session, "drop_alias", {"alias": alias, "id": record.id}):
            raise NotThatAlias(id=alias, what="removed", why=f"it is no further id of {record.slug}'s")
    return record


def refuse_anothers(session: Session, inventory: Inventory, alias: str) -> None:
    """Raise NotThatAlias where a tenant has the id already. Inside a change."""
    holder = registry.holder_of_id(session, inventory, alias)
    if holder:
        raise NotThatAlias(id=alias, what="added", why=f"it belongs to {holder}")


def _identifier(text: str, what: str) -> str:
    known = tenant_id(text.strip())
    if known is None:
        raise NotThatAlias(id=text, what=what, why="it is not a UUID")
    return known
