"""Whether a table is isolated, as its catalogue has it."""

from pathlib import Path

from psycopg.sql import Composable

from tenants.inventory import Inventory
from vital.db import sql
from vital.db.session import Session

QUERIES = sql.load(Path(__file__).parent / "sql")
POLICIES = (
    "vital_others",
    "vital_operator",
    "vital_tenant",
    "vital_tenant_select",
    "vital_tenant_insert",
    "vital_tenant_update",
    "vital_tenant_delete",
)


def is_isolated(relation: str) -> Composable:
    """SELECT of one boolean: row level security is on, forced, and has every policy of VITAL's as it should be."""
    parts: dict[str, Composable] = {"name": sql.literal(relation), "policies": sql.literal(list(POLICIES))}
    return sql.compose(QUERIES["is_isolated"].replace("%", "%%"), **parts)


def isolated_tables(session: Session, inventory: Inventory) -> dict[str, bool]:
    """Each table whose rows belong to tenants, the registry among them, and whether it is isolated."""
    relations = [*(table.relation for table in inventory.tables), inventory.registry]
    return {relation: bool(session.value(is_isolated(relation))) for relation in relations}
