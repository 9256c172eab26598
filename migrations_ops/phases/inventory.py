"""What tenants must know of a plan."""

from collections.abc import Callable, Iterator
from functools import cache

from migrations_ops.phases import legacy_writers, org_tables
from migrations_ops.rules.model import Plan, TableSpec
from tenants.inventory import BoundRole, Inventory, TenantTable
from vital.db.introspection import ForeignKey


def lazily(plan: Plan) -> Callable[[], Inventory]:
    """The inventory of a plan when it is first asked for."""
    return cache(lambda: inventory_of(plan))


def inventory_of(plan: Plan) -> Inventory:
    planned = [
        TenantTable(
            one.relation,
            one.table.key,
            one.shared,
            tuple(_ways(one)),
            # Unique per tenant binds no row without one, so a canary tenant leaves the keys as they are.
            rescope=() if plan.only_tenant else one.rescope,
            writer=legacy_writers.function_of(plan, one) if one.decides else None,
        )
        for one in plan.tables
    ]
    made = [TenantTable(relation, ("id",), shared=True, made=True) for relation in org_tables.own_tables(plan)]
    return Inventory(
        registry=plan.registry,
        platform_id=plan.platform_id,
        tenants=tuple(tenant.id for tenant in plan.tenants),
        tables=(*planned, *made),
        common=plan.common,
        reachable=plan.reachable,
        passed_through=plan.passed_through,
        adopts=plan.adopts,
        bound=bound_roles_of(plan),
        unbound=plan.unbound,
        force_owner=plan.force_owner,
    )


def bound_roles_of(plan: Plan) -> tuple[BoundRole, ...]:
    """On every table that isolation holds, unless the plan names some; of those, the ones that a canary is about. What
    is common they may write where the plan says that it is reachable."""
    every = closed_of(plan)
    common = [name for name in plan.common if name not in plan.reachable]
    return tuple(
        BoundRole(
            one.role,
            one.sees,
            one.claim,
            one.users,
            tuple(t for t in every if t in (one.tables or every)),
            () if one.tables else (plan.registry, *common),
        )
        for one in plan.bound
    )


def closed_of(plan: Plan) -> list[str]:
    """The tables that row level security holds."""
    return [*org_tables.tenant_tables(plan), plan.registry]


def _ways(spec: TableSpec) -> Iterator[tuple[ForeignKey, ...]]:
    """How rules go from a row to its owner, whatever the row says of itself."""
    for parent in (rule.parent for rule in spec.rules if rule.parent and rule.parent.is_reference and not rule.when):
        children = [spec.relation, *(hop.table for hop in parent.hops)]
        steps = zip(children, parent.hops, strict=False)
        yield tuple(ForeignKey(child, hop.columns, hop.table, hop.key) for child, hop in steps)
