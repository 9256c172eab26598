"""The columns of the tables that a plan speaks of, as the database has them."""

from dataclasses import dataclass
from pathlib import Path

from migrations_ops.engine.session import Session
from migrations_ops.rules.model import Plan
from vital.db import sql
from vital.errors import hint

QUERIES = sql.load(Path(__file__).parent / "sql")


@dataclass(frozen=True)
class Column:
    """A column's type as SQL, the family of types (see `fits`), and the labels where it is an enum.

    `always`: it is not NULL, and a trigger that is called before the row is written sees its value.
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
    tables: dict[str, dict[str, Column]] = {}
    question = sql.compose(QUERIES["plan_columns"], relations=sql.literal(relations))
    with session.work(as_operator=False):
        for relation, name, shown, family, labels, always in session.execute(question):
            tables.setdefault(relation, {})[name] = Column(shown, family, tuple(labels or ()), always)
    return Columns(tables)
