"""Who attacks whom, and what: the tables behind the fence and the cast."""

from dataclasses import dataclass

from migrations_ops.engine import sql
from migrations_ops.phases.organisation import own_tables
from migrations_ops.rules.model import TENANT_COLUMN, Plan

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


def targets(plan: Plan) -> tuple[Target, ...]:
    """Every table whose rows belong to tenants; the registry comes first, for everything refers to it."""
    registry = Target(plan.registry, "id", ("id",), shared=False, writable=False)
    tables = [Target(spec.relation, TENANT_COLUMN, spec.table.key, spec.shared) for spec in plan.tables]
    own = [Target(relation, TENANT_COLUMN, ("id",), shared=True) for relation in own_tables(plan)]
    return (registry, *tables, *own)
