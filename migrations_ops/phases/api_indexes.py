"""Indexes in the order of the API's lists, so that a page is read and not sorted. Part of the VITAL platform's plan."""

from collections.abc import Iterator

from migrations_ops.engine.steps import Index, Statement
from migrations_ops.phases.queries import of_table, query
from migrations_ops.rules.model import TENANT_COLUMN, Plan
from vital.db import sql

# table → (index, its columns behind the tenant's)
ORDERS = {
    "public.tools": ("tools_tenant_name_idx", "name, id"),
    "public.prompts": ("prompts_tenant_newest_idx", "created_at DESC NULLS LAST, id"),
}


def indexes(plan: Plan) -> Iterator[Statement]:
    if plan.product != "vital":
        return
    for relation, (name, columns) in ORDERS.items():
        if not plan.has(relation):
            continue
        schema = sql.names(relation)[0]
        index = sql.ident(schema, name)
        order = sql.compose("{tenant}, {columns}", tenant=sql.ident(TENANT_COLUMN), columns=sql.raw(columns))
        yield Statement(
            name=f"{sql.names(relation)[1]} in the order of the API's list",
            relation=relation,
            is_applied=query("index_is_valid", index_name=sql.literal(sql.spelled(schema, name))),
            repair=of_table("drop_index", relation, index=index),
            up=(of_table("create_order_index", relation, index=sql.ident(name), order=order),),
            down=lambda _, relation=relation, index=index: (of_table("drop_index", relation, index=index),),  # type: ignore[misc]  # bound now
            online=True,
            index=Index(name, order),
            locks=(relation,),
        )
