"""Read where a plan takes its tenants from: a table of which each row is one."""

from migrations_ops.rules import sql_expression
from migrations_ops.rules.model import RowValue, TableSpec, TenantSource
from migrations_ops.rules.plan_keys import EXPRESSION_KEYS
from migrations_ops.rules.reader import Given


def read(given: Given, tables: tuple[TableSpec, ...]) -> TenantSource:
    """The [tenants] of the file. Raises PlanError."""
    named = given.one_of("from", [spec.relation for spec in tables], "must name a [[table]] of the plan")
    spec = next(spec for spec in tables if spec.relation == named)
    if not any(rule.own for rule in spec.rules):
        raise given.wrong(f"{named} needs a rule with `own = true`: each row is a tenant of its own.", "from")
    for column in spec.table.key:
        if column not in spec.columns:
            raise given.wrong(f"name the type of the key's column {column} in `columns` of {named}.", "from")
    return TenantSource(
        spec.table,
        tuple(spec.columns[column] for column in spec.table.key),
        name=_value(given, "name"),
        slug=_value(given, "slug") if "slug" in given else None,
        active=_value(given, "active") if "active" in given else None,
    )


def _value(given: Given, key: str) -> RowValue:
    """A column, or { sql = "an expression" }."""
    if not isinstance(given.need(key), dict):
        return RowValue(column=given.text(key), at=(*given.place, key))
    expression = Given(given.item[key], f"{given.where}, {key}", EXPRESSION_KEYS, (*given.place, key))
    if problem := sql_expression.problem(expression.text("sql")):
        raise expression.wrong(f"{problem}.", "sql")
    return RowValue(sql=expression.text("sql"), at=(*given.place, key))
