"""What the VITAL platform needs beyond tenants: tool categories as text, the columns of its API, each agent's tools.

Only a plan that says `product = "vital"` gets these steps; the engine and the other phases know no table by name.
"""

from collections.abc import Callable, Iterator

from psycopg.sql import Composable

from migrations_ops.engine.steps import Assign, Check, Insert, Step, Table
from migrations_ops.phases import api_indexes
from migrations_ops.phases.columns import added_column
from migrations_ops.phases.queries import every, of_table, query, short
from migrations_ops.rules.model import TENANT_COLUMN, Plan
from vital.db import sql

TOOLS, AGENTS = "public.tools", "public.agents"
ASSIGNMENTS = Table("public.agent_tool_assignments", ("id",))


ADDED = {TOOLS: {"category": "text", "metadata": "jsonb"}}
UNTOUCHED = {"text": ("text", "NULL"), "jsonb": ("jsonb DEFAULT '{}'", "'{}'::jsonb")}


def added(plan: Plan) -> Iterator[tuple[str, dict[str, str]]]:
    """(table, column → type) of what is added where it is missing: one that is there already has to be of that type."""
    if plan.product == "vital":
        yield from ((relation, kinds) for relation, kinds in ADDED.items() if plan.has(relation))


def filled(plan: Plan) -> dict[str, Composable]:
    """The tables of others that VITAL adds rows to, with how many that is at most."""
    if plan.product != "vital" or not plan.has(TOOLS, AGENTS, ASSIGNMENTS.relation):
        return {}
    tables = {"agents": sql.relation(AGENTS), "tools": sql.relation(TOOLS)}
    return {ASSIGNMENTS.relation: query("most_tool_assignments", **tables)}


def schema(plan: Plan) -> Iterator[Step]:
    if plan.product != "vital" or not plan.has(TOOLS):
        return
    tools = plan.table(TOOLS)
    for name, kind in ADDED[TOOLS].items():
        definition, untouched = UNTOUCHED[kind]
        column = {"column": sql.ident(name), "column_name": sql.literal(name), "untouched": sql.raw(untouched)}
        lost = every("values_in_column", [tools], **column)
        yield added_column(TOOLS, name, definition, data_loss_check=lost, ours=api_indexes.names(TOOLS))
    yield Assign(
        name="tools say their category",
        table=tools.table,
        columns=("category",),
        verdict=query("category_of_tools"),
        open=sql.raw("t.category IS NULL AND t.category_id IS NOT NULL"),
    )


API_COLUMNS = {
    TOOLS: ["id", "tool_key", "name", "category", "category_id", "tool_type", "is_active", "metadata", TENANT_COLUMN],
    "public.prompts": ["id", "name", "display_name", "domain", "status", "created_at", "metadata", TENANT_COLUMN],
    "public.knowledge_domains": ["id", "name", "slug", "tier", "is_active", TENANT_COLUMN],
}


def api_checks(plan: Plan) -> Iterator[Check]:
    """What the REST API reads must be there."""
    if plan.product != "vital":
        return
    for relation, columns in API_COLUMNS.items():
        if not plan.has(relation):
            continue
        missing = of_table("columns_the_api_needs", relation, columns=sql.literal(columns))
        yield Check(f"{short(relation)}: the columns that the API reads", missing, relation=relation)


def tool_assignments(plan: Plan) -> Iterator[Step]:
    for rows in missing_assignments(plan, lambda relation, *columns: sql.relation(relation)):
        yield Insert(
            name="customers' agents get the Platform's tools",
            table=ASSIGNMENTS,
            columns=("agent_id", "tool_id", "is_enabled", "auto_use", "priority", TENANT_COLUMN),
            rows=rows,
            rule="each active Platform tool for each tier 3 agent",
        )


def missing_assignments(plan: Plan, table: Callable[..., Composable]) -> Iterator[Composable]:
    """The tool assignments that are lacking. `table` gives agents and tools (with at least the columns that it is
    called with), as they are or as they will be."""
    if plan.product != "vital" or not plan.has(TOOLS, AGENTS, ASSIGNMENTS.relation):
        return
    wanted = [tenant for tenant in plan.tenants if plan.only_tenant in ("", tenant.slug)]
    customers: Composable = sql.literal([tenant.id for tenant in wanted if tenant.id != plan.platform_id])
    yield query(
        "missing_tool_assignments",
        agents=table(AGENTS, "id", "tier"),
        tools=table(TOOLS, "id", "category_id", "is_active"),
        customers=sql.compose("{ids}::uuid[]", ids=customers),
        platform=sql.literal(plan.platform_id),
    )
