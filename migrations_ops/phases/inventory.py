"""What tenants must know of a plan."""

from collections.abc import Iterator

from migrations_ops.phases import org_tables
from migrations_ops.rules.model import Plan, TableSpec
from tenants.inventory import Inventory, TenantTable
from vital.db.introspection import ForeignKey


def inventory_of(plan: Plan) -> Inventory:
    planned = [TenantTable(one.relation, one.table.key, one.shared, tuple(_ways(one))) for one in plan.tables]
    made = [TenantTable(relation, ("id",), shared=True, made=True) for relation in org_tables.own_tables(plan)]
    return Inventory(
        registry=plan.registry,
        platform_id=plan.platform_id,
        tenants=tuple(tenant.id for tenant in plan.tenants),
        tables=(*planned, *made),
        common=plan.common,
        reachable=plan.reachable,
    )


def _ways(spec: TableSpec) -> Iterator[tuple[ForeignKey, ...]]:
    """How rules go from a row to its owner."""
    for parent in (rule.parent for rule in spec.rules if rule.parent):
        children = [spec.relation, *(hop.table for hop in parent.hops)]
        steps = zip(children, parent.hops, strict=False)
        yield tuple(ForeignKey(child, hop.columns, hop.table, hop.key) for child, hop in steps)
