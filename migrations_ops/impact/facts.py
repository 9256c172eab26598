"""What the database says about the names that statements use, asked inside a try's transaction."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from migrations_ops.impact.sources import QUERIES
from migrations_ops.impact.statements import Statement
from migrations_ops.rules.model import Plan
from vital.db import sql
from vital.db.session import Session

NOT_OF_APPLICATIONS = ("pg_catalog", "information_schema", "vital")


@dataclass(frozen=True)
class Way:
    """A view, materialized view or function that reads tables of the plan as its owner: who sees all rows, or none."""

    kind: str
    name: str
    owner: str
    sees_all: bool


@dataclass
class Facts:
    """`names`: as a statement spells it → as the plan does. `columns`: table → column → whether it is NULL where an
    INSERT does not name it."""

    names: dict[str, str] = field(default_factory=dict)
    columns: dict[str, dict[str, bool]] = field(default_factory=dict)
    ways: dict[str, Way] = field(default_factory=dict)

    def relation(self, name: str) -> str:
        """Empty where there is no such table."""
        return self.names.get(name, "")

    def is_of_others(self, statement: Statement) -> bool:
        """Whether it is about nothing but the server's catalogue, or VITAL's own tables."""
        found = [self.relation(name) for name in statement.reading.tables]
        return bool(found) and all(sql.names(name)[0] in NOT_OF_APPLICATIONS for name in found if name) and any(found)

    def ways_of(self, statement: Statement) -> list[Way]:
        """Those that the statement goes, by views that it names and functions that it calls."""
        reading = statement.reading
        views = [self.relation(name) for name in reading.tables]
        found = [self.ways[name] for name in views if name in self.ways and self.ways[name].kind != "function"]
        functions = [one for one in self.ways.values() if one.kind == "function"]
        for called in reading.functions:
            schema, _, short = called.rpartition(".")
            found += [
                one
                for one in functions
                if sql.names(one.name)[1] == short and (not schema or sql.names(one.name)[0] == schema)
            ]
        return list(dict.fromkeys(found))


def asked(session: Session, plan: Plan, statements: Iterable[Statement]) -> Facts:
    """Inside `trials`, before a role is put on."""
    facts = Facts()
    names = sorted({name for one in statements for name in one.reading.tables})
    found = session.execute(sql.compose(QUERIES["names_as_found"], names=sql.literal(names)))
    facts.names = dict(found)
    tables = sql.literal([plan.registry, *(spec.relation for spec in plan.tables)])
    for relation, column, is_empty in session.execute(sql.compose(QUERIES["columns_and_defaults"], tables=tables)):
        facts.columns.setdefault(relation, {})[column] = is_empty
    for kind, name, owner, sees_all in session.execute(sql.compose(QUERIES["ways_past_policies"], tables=tables)):
        facts.ways[name] = Way(kind, name, owner, bool(sees_all))
    return facts
