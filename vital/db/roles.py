"""The two roles without login that VITAL works as, and how they are made."""

from pathlib import Path

from psycopg.sql import Composable

from vital.db import sql

QUERIES = sql.load(Path(__file__).parent / "sql")
TENANT_ROLE, OPERATOR_ROLE = "vital_tenant", "vital_operator"
ROLES = (TENANT_ROLE, OPERATOR_ROLE)
# Before PostgreSQL 16, where members inherit: whoever proves isolation becomes vital_tenant through it.
PROVER_ROLE = "vital_prover"
LOGIN_PRIVILEGES = QUERIES["login_privileges"]


def exists(role: str) -> Composable:
    """SELECT of one boolean; roles belong to the whole cluster."""
    return sql.compose(QUERIES["role_exists"], role_name=sql.literal(role))


def create(role: str) -> Composable:
    """The statement that makes it."""
    return sql.compose(QUERIES["create_role"], role=sql.ident(role))
