"""The tenant column, and others that VITAL adds."""

from collections.abc import Sequence

from psycopg.sql import Composable

from migrations_ops.engine.steps import Statement
from migrations_ops.phases.queries import of_table, short
from migrations_ops.rules.model import TENANT_COLUMN, Plan, TableSpec
from tenants.isolation import wanted
from vital.db import sql


def added_column(
    relation: str, name: str, kind: str, data_loss_check: Composable, ours: Sequence[str] = ()
) -> Statement:
    """A column that is added unless it is there, and dropped again by the undo. `ours` are the names of the indexes and
    constraints that VITAL makes of it."""
    column = sql.ident(name)
    built = of_table("built_on_column", relation, column=sql.literal(name), ours=sql.literal(list(ours)))
    return Statement(
        name=wanted.adding(relation, name),
        relation=relation,
        is_applied=of_table("has_column", relation, column=sql.literal(name)),
        up=(of_table("add_column", relation, column=column, kind=sql.raw(kind)),),
        down=lambda _: (of_table("drop_column", relation, column=column),),
        data_loss_check=data_loss_check,
        undo_blockers=built,
        locks=(relation,),
    )


def tenant_index_name(spec: TableSpec) -> str:
    """What the index by tenant is called."""
    return sql.fitting(f"{short(spec.relation)}_{TENANT_COLUMN}_idx")


def not_null_name(spec: TableSpec) -> str:
    """What the check is called that stands until the column itself refuses NULL."""
    return sql.fitting(f"{short(spec.relation)}_{TENANT_COLUMN}_not_null_check")


def tenant_key(plan: Plan, spec: TableSpec) -> Statement:
    parts = tenant_key_parts(plan, spec)
    return Statement(
        name=f"{short(spec.relation)} refers to the tenants",
        relation=spec.relation,
        is_applied=of_table("has_tenant_key", spec.relation, **parts),
        up=(of_table("add_tenant_key", spec.relation, **parts),),
        down=lambda _: (of_table("drop_tenant_key", spec.relation, **parts),),
        locks=(spec.relation, plan.registry),
    )


def tenant_key_parts(plan: Plan, spec: TableSpec) -> dict[str, Composable]:
    """What the statements about a table's foreign key to the tenants are composed of."""
    return {
        "constraint_name": sql.literal(tenant_key_name(plan, spec)),
        "registry": sql.literal(plan.registry),
        "column": sql.literal(TENANT_COLUMN),
        "leaves": of_table("leaves_of", spec.relation),
    }


def tenant_key_name(plan: Plan, spec: TableSpec) -> str:
    return wanted.tenant_key_name(spec.relation, adopts=plan.adopts)
