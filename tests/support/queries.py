"""What a database holds, read past row level security, in the shapes that the tests compare."""

from typing import Any

from tests.support import databases
from tests.support.databases import Scratch

TABLES = (
    "users",
    "tools",
    "agents",
    "agent_tool_assignments",
    "prompts",
    "knowledge_domains",
    "knowledge_sources",
    "knowledge_base",
    "conversations",
    "messages",
)
PHASES = (
    "000_pre_validation",
    "001_schema_fixes",
    "002_tenant_setup",
    "003_platform_data",
    "004_tenant_data",
    "005_post_validation",
    "006_row_level_security",
)


def scalar(scratch: Scratch, query: str, *params: Any) -> Any:
    """The only value of the only row."""
    ((value,),) = databases.rows(scratch.admin_url, query, params)
    return value


def write_as_owner(scratch: Scratch, statement: str, *params: Any) -> list[tuple[Any, ...]]:
    """What an application does that still logs in as the tables' owner; returns what RETURNING gives."""
    return databases.rows(scratch.owner_url, statement, params)


def tenants_of(scratch: Scratch, table: str) -> dict[str, str | None]:
    """Row id -> tenant id."""
    return dict(databases.rows(scratch.admin_url, f"SELECT id::text, tenant_id::text FROM public.{table}"))


def tenants_of_every_table(scratch: Scratch) -> dict[str, dict[str, str | None]]:
    """Table -> row id -> tenant id, without the tool assignments that each run makes anew."""
    made = {key for (key,) in databases.rows(scratch.admin_url, MADE_ASSIGNMENTS)}
    return {
        table: {key: tenant for key, tenant in tenants_of(scratch, table).items() if key not in made}
        for table in TABLES
    }


MADE_ASSIGNMENTS = """
    SELECT unnest(keys) FROM vital.ledger
    WHERE relation = 'public.agent_tool_assignments' AND kind = 'insert' AND undone_at IS NULL
"""


def made_assignments(scratch: Scratch) -> list[tuple[Any, ...]]:
    """(agent, tool, tenant, priority, enabled, automatic) of each tool assignment that VITAL added."""
    return databases.rows(
        scratch.admin_url,
        f"""
        SELECT agent_id::text, tool_id::text, tenant_id::text, priority, is_enabled, auto_use
        FROM public.agent_tool_assignments
        WHERE id::text IN ({MADE_ASSIGNMENTS})
        ORDER BY agent_id, tool_id
        """,
    )


def ledger_entries(scratch: Scratch, table: str) -> list[tuple[Any, ...]]:
    """(key, rule, phase, kind, run, tenant before, tenant after) of every entry of the ledger that is not undone."""
    return databases.rows(
        scratch.admin_url,
        """
        SELECT key, rule, phase, kind, run_id, before ->> 'tenant_id', after ->> 'tenant_id'
        FROM vital.ledger CROSS JOIN LATERAL unnest(keys) AS key
        WHERE relation = %s AND undone_at IS NULL AND kind <> 'insert' AND before ? 'tenant_id'
        """,
        [f"public.{table}"],
    )


def columns(scratch: Scratch, table: str) -> list[str]:
    """The table's columns in their order."""
    found = databases.rows(
        scratch.admin_url,
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped"
        " ORDER BY attnum",
        [f"public.{table}"],
    )
    return [name for (name,) in found]


def content(scratch: Scratch, table: str, names: list[str]) -> dict[str, tuple[Any, ...]]:
    """Row id -> these columns as PostgreSQL prints them, to the last microsecond and blank."""
    listed = ", ".join(f'"{name}"::text' for name in names)
    found = databases.rows(scratch.admin_url, f"SELECT id::text, {listed} FROM public.{table}")
    return {row[0]: row[1:] for row in found}
