"""Indexes for what the API's lists and the platform's pages ask, so that a page is read and not sorted or searched for.

Part of the VITAL platform's plan. By category is by what the API's filter asks: CASE, as the planner takes COALESCE for
something that may leak, and uses no index for it behind policies. The column stands beside it, as the index alone can
then count.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from migrations_ops.engine.steps import Index, Statement
from migrations_ops.phases.queries import of_table, query
from migrations_ops.rules.model import TENANT_COLUMN, Plan
from vital.db import sql


@dataclass(frozen=True)
class PageIndex:
    """An index behind the tenant's column: what it is for, and which rows it has (all where that is empty)."""

    relation: str
    name: str
    purpose: str
    columns: str
    where: str = ""


PAGES = (
    PageIndex("public.tools", "tools_tenant_name_idx", "in the order of the API's list", "name, id"),
    PageIndex("public.tools", "tools_tenant_type_idx", "that are active, by type", "tool_type", "WHERE is_active"),
    PageIndex(
        "public.tools",
        "tools_tenant_category_idx",
        "by category as the API shows it",
        "(CASE WHEN category <> '' THEN category ELSE 'General' END), name, id, category",
    ),
    PageIndex(
        "public.prompts",
        "prompts_tenant_newest_idx",
        "in the order of the API's list",
        "created_at DESC NULLS LAST, id",
    ),
    PageIndex(
        "public.prompts",
        "prompts_tenant_domain_idx",
        "that are active, by domain",
        "domain, status",
        "WHERE status = 'active'",
    ),
    PageIndex(
        "public.agents", "agents_tenant_tier_idx", "that are active, by tier", "tier, status", "WHERE status = 'active'"
    ),
    PageIndex("public.knowledge_base", "knowledge_base_tenant_domain_idx", "by domain", "domain"),
)


def names(relation: str) -> list[str]:
    """Those of this table."""
    return [page.name for page in PAGES if page.relation == relation]


def indexes(plan: Plan) -> Iterator[Statement]:
    if plan.product != "vital":
        return
    for page in PAGES:
        if plan.has(page.relation):
            yield _statement(page)


def _statement(page: PageIndex) -> Statement:
    schema, table = sql.names(page.relation)
    index = sql.ident(schema, page.name)
    columns = sql.compose("{tenant}, {columns}", tenant=sql.ident(TENANT_COLUMN), columns=sql.raw(page.columns))
    made = Index(page.name, columns, sql.raw(page.where))
    body = {"columns": made.columns, "where": made.where}
    return Statement(
        name=f"{table} {page.purpose}",
        relation=page.relation,
        is_applied=query("index_is_valid", index_name=sql.literal(sql.spelled(schema, page.name))),
        repair=of_table("drop_index", page.relation, index=index),
        up=(of_table("create_page_index", page.relation, index=sql.ident(page.name), **body),),
        down=lambda _: (of_table("drop_index", page.relation, index=index),),
        online=True,
        index=made,
        locks=(page.relation,),
    )
