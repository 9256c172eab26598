"""The columns of the tables that a plan speaks of, as the database has them."""

from dataclasses import dataclass

from migrations_ops.engine.session import Session
from migrations_ops.rules.model import Plan
from vital.db import introspection
from vital.errors import hint

NUMBERS = ("smallint", "integer", "bigint", "numeric", "real", "double precision")
FAMILIES = {
    **dict.fromkeys(NUMBERS, "number"),
    **dict.fromkeys(("date", "timestamp without time zone"), "time"),
    "timestamp with time zone": "moment",
    **dict.fromkeys(("json", "jsonb"), "json"),
    "uuid": "uuid",
    "boolean": "boolean",
}
FAMILIES_OF_CATEGORIES = {"A": "texts", "S": "text", "E": "text"}


@dataclass(frozen=True)
class Column:
    """A column's type as SQL, the family of types (see `type_check`), and the labels where it is an enum.

    `always`: no row is written without it, and a trigger that is called before the row is written sees its value. (What
    is generated has none yet.)
    """

    shown: str
    family: str
    labels: tuple[str, ...]
    always: bool = False


@dataclass(frozen=True)
class Columns:
    """Table → column → what is known of it."""

    tables: dict[str, dict[str, Column]]

    def of(self, relation: str) -> dict[str, Column]:
        return self.tables.get(relation, {})

    def unknown(self, relation: str, column: str) -> str:
        """What to say of a column that is not there, or whose table is not."""
        if not self.of(relation):
            return f"there is no table {relation}"
        return f"{relation} has no column {column!r}.{hint(column, self.of(relation), 'It has')}"


def columns_of(session: Session, plan: Plan) -> Columns:
    """The columns of every table of the plan, those that parents are reached through included."""
    relations = [*(spec.relation for spec in plan.tables), *plan.passed_through, *plan.common]
    return columns_of_tables(session, list(dict.fromkeys(relations)))


def columns_of_tables(session: Session, relations: list[str]) -> Columns:
    with session.work(as_operator=False):
        tables = introspection.columns_of(session, relations)
    return Columns({relation: {one.name: _column(one) for one in columns} for relation, columns in tables.items()})


def _column(found: introspection.Column) -> Column:
    family = FAMILIES.get(found.base) or FAMILIES_OF_CATEGORIES.get(found.category, "other")
    return Column(found.kind, family, found.labels, found.not_null and not found.is_generated)
