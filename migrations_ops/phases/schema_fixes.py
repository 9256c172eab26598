"""Schema fixes: add what is missing and guard what would react. Nothing is taken away, nothing is rewritten."""

from collections.abc import Iterator, Sequence

from psycopg.sql import Composable

from migrations_ops.engine import sql
from migrations_ops.engine.steps import Phase, Statement, Step
from migrations_ops.phases import api_indexes, keys, organisation, product, registry, triggers
from migrations_ops.phases.queries import every, of_table, short
from migrations_ops.rules.model import TENANT_COLUMN, Plan, TableSpec


def phase(plan: Plan) -> Phase:
    return Phase("001_schema_fixes", "Schema fixes", tuple(_steps(plan)))


def _steps(plan: Plan) -> Iterator[Step]:
    yield from registry.table(plan)
    for spec in plan.tables:
        yield _tenant_column(spec)
        yield tenant_key(spec, plan.registry)
    for relation in [plan.registry, *(spec.relation for spec in plan.tables)]:
        yield triggers.guarded(relation)
    yield from product.schema(plan)
    yield from organisation.tables(plan)


def _tenant_column(spec: TableSpec) -> Statement:
    return added_column(
        spec.relation,
        TENANT_COLUMN,
        "uuid",
        loses=every("rows_only_we_would_lose", [spec]),
        ours=[
            tenant_index_name(spec),
            tenant_key_name(spec),
            not_null_name(spec),
            *(keys.name_per_tenant(spec, key) for key in spec.rescope),
            *(name for relation, (name, _) in api_indexes.ORDERS.items() if relation == spec.relation),
        ],
    )


def added_column(relation: str, name: str, kind: str, loses: Composable, ours: Sequence[str] = ()) -> Statement:
    """A column that is added unless it is there, and dropped again by the undo. `ours` are the names of the indexes and
    constraints that VITAL makes of it."""
    column = sql.ident(name)
    built = of_table("built_on_column", relation, column=sql.literal(name), ours=sql.literal(list(ours)))
    return Statement(
        name=f"{short(relation)} has the column {name}",
        relation=relation,
        there=of_table("has_column", relation, column=sql.literal(name)),
        up=(of_table("add_column", relation, column=column, kind=sql.raw(kind)),),
        down=lambda _: (of_table("drop_column", relation, column=column),),
        loses=loses,
        breaks=built,
        locks=(relation,),
    )


def tenant_index_name(spec: TableSpec) -> str:
    """What the index by tenant is called."""
    return sql.fitting(f"{short(spec.relation)}_{TENANT_COLUMN}_idx")


def not_null_name(spec: TableSpec) -> str:
    """What the check is called that stands until the column itself refuses NULL."""
    return sql.fitting(f"{short(spec.relation)}_{TENANT_COLUMN}_not_null_check")


def tenant_key(spec: TableSpec, tenants: str) -> Statement:
    parts = tenant_key_parts(spec, tenants)
    return Statement(
        name=f"{short(spec.relation)} refers to the tenants",
        relation=spec.relation,
        there=of_table("has_tenant_key", spec.relation, **parts),
        up=(of_table("add_tenant_key", spec.relation, **parts),),
        down=lambda _: (of_table("drop_tenant_key", spec.relation, **parts),),
        locks=(spec.relation, tenants),
    )


def tenant_key_parts(spec: TableSpec, tenants: str) -> dict[str, Composable]:
    """What the statements about a table's foreign key to the tenants are composed of."""
    return {
        "constraint_name": sql.literal(tenant_key_name(spec)),
        "registry": sql.literal(tenants),
        "column": sql.literal(TENANT_COLUMN),
        "leaves": of_table("leaves_of", spec.relation),
    }


def tenant_key_name(spec: TableSpec) -> str:
    return sql.fitting(f"{short(spec.relation)}_{TENANT_COLUMN}_fkey")
