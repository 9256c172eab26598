"""Who attacks whom, and what: the tables behind the fence and the cast."""

from collections.abc import Sequence
from dataclasses import dataclass

from tenants.inventory import TENANT_COLUMN, Inventory
from vital.db import sql

MARK = "vital-isolation-probe"


@dataclass(frozen=True)
class Target:
    """A table behind the fence. A tenant may see the Platform's rows where it is `shared`, and write its own rows where
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


def targets(inventory: Inventory) -> tuple[Target, ...]:
    """Every table whose rows belong to tenants; the registry comes first, for everything refers to it."""
    registry = Target(inventory.registry, "id", ("id",), shared=False, writable=False)
    tables = (Target(table.relation, TENANT_COLUMN, table.key, table.shared) for table in inventory.tables)
    return (registry, *tables)


def in_turn(cast: Sequence[Actor]) -> list[tuple[Actor, Actor]]:
    """Each against the next, and the last against the first."""
    return list(zip(cast, [*cast[1:], *cast[:1]], strict=True)) if len(cast) > 1 else []
