"""The room's named SQL, composed with tables."""

from pathlib import Path

from psycopg.sql import Composable, Composed

from migrations_ops.rules.model import TENANT_COLUMN
from vital.db import sql

QUERIES = sql.load(Path(__file__).parent / "sql")


def query(name: str, /, **parts: Composable) -> Composed:
    """Without bound parameters, so that a % is a %."""
    return sql.unbound(QUERIES[name], **parts)


def of_table(name: str, relation: str, /, **parts: Composable) -> Composed:
    """A query about one table: {relation} is its identifier, {name} its name as text, {tenant} the tenant column."""
    named: dict[str, Composable] = {"relation": sql.relation(relation), "name": sql.literal(relation)}
    return query(name, **named, tenant=sql.ident(TENANT_COLUMN), column=sql.literal(TENANT_COLUMN), **parts)
