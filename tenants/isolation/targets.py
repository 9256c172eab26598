"""Who attacks whom, and what: the isolated tables and the cast."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from tenants.inventory import TENANT_COLUMN, BoundRole, Inventory
from tenants.isolation.bound import CLAIMS
from vital.db import sql
from vital.db.roles import TENANT_ROLE

MARK = "vital-isolation-probe"


@dataclass(frozen=True)
class Target:
    """An isolated table. A tenant may see the Platform's rows where it is `shared`, and write its own rows where
    it is `writable`."""

    relation: str
    tenant: str
    key: tuple[str, ...]
    shared: bool
    writable: bool = True

    @property
    def name(self) -> str:
        return sql.shown(self.relation)


@dataclass(frozen=True)
class Actor:
    """A tenant, or nobody (an empty id). A planted one exists only inside the attack run."""

    id: str
    name: str
    planted: bool = False


NOBODY = Actor("", "nobody")


@dataclass(frozen=True)
class Guise:
    """How somebody comes to the tables: the role that is put on, and the setting that says of which tenant one is. With
    a `claim` that setting is the claims of a token, and the tenant stands there. `sees` is as a plan binds the role."""

    role: str
    setting: str
    claim: tuple[str, ...] = ()
    sees: str = "own"

    @property
    def suffix(self) -> str:
        """What is added to an attacker's name."""
        return f" as {self.role}" if self.claim else ""

    def value(self, tenant: str) -> str:
        """What the setting is for this tenant; an empty id is nobody's."""
        if not tenant or not self.claim:
            return tenant
        found: object = tenant
        for part in reversed(self.claim):
            found = {part: found}
        return json.dumps(found)

    def readable(self, attacker: Actor, platform: str, *, shared: bool) -> set[str]:
        """Whose rows of a table this one may be shown."""
        own = {attacker.id} if self.sees == "own" else set()
        return (own | ({platform} if shared and self.sees != "nothing" else set())) - {""}


AS_TENANT = Guise(TENANT_ROLE, "vital.tenant_id")


def guise_of(bound: BoundRole) -> Guise:
    """As PostgREST puts a bound role on; where its callers have no tenant, one tries the usual claim."""
    return Guise(bound.role, CLAIMS, bound.claim or ("app_metadata", "tenant_id"), bound.sees)


def targets(inventory: Inventory) -> tuple[Target, ...]:
    """Every table whose rows belong to tenants; the registry comes first, for everything refers to it."""
    registry = Target(inventory.registry, "id", ("id",), shared=False, writable=False)
    tables = (Target(table.relation, TENANT_COLUMN, table.key, table.shared) for table in inventory.tables)
    return (registry, *tables)


def in_turn(cast: Sequence[Actor]) -> list[tuple[Actor, Actor]]:
    """Each against the next, and the last against the first."""
    return list(zip(cast, [*cast[1:], *cast[:1]], strict=True)) if len(cast) > 1 else []
