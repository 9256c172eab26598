"""The plan's tables by the names that people call them."""

from migrations_ops.engine.session import Session
from migrations_ops.rules.model import TENANT_COLUMN, Plan, TableSpec
from vital.db import introspection, sql
from vital.db.sql import shown
from vital.errors import UnknownTable


def by_name(plan: Plan) -> dict[str, TableSpec]:
    """The plan's tables by every name that people call them."""
    return {
        name: spec
        for spec in plan.tables
        for name in (spec.relation, shown(spec.relation), sql.names(spec.relation)[1])
    }


def named(plan: Plan, name: str) -> TableSpec:
    """The table of this name. Raises UnknownTable."""
    if name not in (tables := by_name(plan)):
        raise UnknownTable(name=name, known=", ".join(shown(spec.relation) for spec in plan.tables))
    return tables[name]


def has_tenant_column(session: Session, spec: TableSpec) -> bool:
    return introspection.has_column(session, spec.relation, TENANT_COLUMN)
