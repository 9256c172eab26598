"""The tables as they are: who has a tenant, what is unique, what refers to what."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from psycopg.sql import Composable

from migrations_ops.engine import sql
from migrations_ops.engine.session import Session
from migrations_ops.phases.queries import schemas_of
from migrations_ops.rules.model import TENANT_COLUMN, Plan

# People read these statements, so that the sentence about each is left out.
QUERIES = {
    name: "\n".join(line for line in text.splitlines() if not line.startswith("--"))
    for name, text in sql.load(Path(__file__).parent / "sql").items()
}
OPENING = re.compile(r"(?<=\()")


@dataclass(frozen=True)
class Key:
    """An index, mostly one that makes something unique. `columns` are none where it is made of expressions."""

    relation: str
    name: str
    is_constraint: bool
    is_primary: bool
    is_unique: bool
    columns: tuple[str, ...]
    definition: str

    @property
    def has_tenant(self) -> bool:
        return TENANT_COLUMN in self.columns

    def with_tenant(self) -> str:
        """Its definition with the tenant in front."""
        column: Composable = sql.raw(TENANT_COLUMN)
        if self.definition.startswith("EXCLUDE"):
            column = sql.compose(QUERIES["equal_column"], column=column)
        return OPENING.sub(f"{sql.text_of(column)}, ", self.definition, count=1)


@dataclass(frozen=True)
class Reference:
    """A foreign key; `beside` is what it says of deletion and the like."""

    child: str
    name: str
    own: tuple[str, ...]
    parent: str
    key: tuple[str, ...]
    beside: str


@dataclass
class Table:
    """`rows` is the planner's estimate."""

    relation: str
    has_tenant: bool
    rows: int
    bytes: int
    is_partitioned: bool
    keys: list[Key] = field(default_factory=list)
    triggers: list[str] = field(default_factory=list)

    @property
    def too_wide(self) -> list[Key]:
        """What is unique over all tenants, and can only be so in each where a table is parted by them."""
        return [key for key in self.keys if key.is_unique and not key.has_tenant]


@dataclass
class Catalogue:
    tables: dict[str, Table]
    references: list[Reference]

    def of_tenants(self) -> list[Table]:
        return [table for table in self.tables.values() if table.has_tenant]


def read(session: Session, plan: Plan) -> Catalogue:
    """The tables of the plan's schemas; in a transaction."""
    schemas = sql.literal(list(schemas_of([spec.relation for spec in plan.tables])))
    found = ask(session, "tables_to_scale", tenant=sql.literal(TENANT_COLUMN), schemas=schemas)
    tables = {row[0]: Table(*row) for row in found}
    names = sql.literal(list(tables))
    for relation, name, *facts, columns, definition in ask(session, "keys_to_scale", tables=names):
        is_constraint, is_primary, is_unique = facts
        key = Key(relation, name, is_constraint, is_primary, is_unique, tuple(columns), definition)
        tables[relation].keys.append(key)
    for relation, triggers in ask(session, "triggers_to_scale", tables=names):
        tables[relation].triggers = triggers
    references = [
        Reference(child, name, tuple(own), parent, tuple(key), beside or "")
        for child, name, own, parent, key, beside in ask(session, "references_to_scale", tables=names)
    ]
    return Catalogue(tables, references)


def across(session: Session, reference: Reference) -> int:
    """How many rows refer to another tenant's row, which is the Platform's where all is well. In a transaction."""
    pairs = zip(reference.own, reference.key, strict=True)
    same = [sql.compose("{a} = {b}", a=sql.column("c", a), b=sql.column("t", b)) for a, b in pairs]
    ((count,),) = ask(
        session,
        "references_across",
        child=sql.relation(reference.child),
        parent=sql.relation(reference.parent),
        same=sql.join(same, " AND "),
        tenant=sql.ident(TENANT_COLUMN),
    )
    return int(count)


def ask(session: Session, name: str, **parts: Composable) -> list[tuple[Any, ...]]:
    return session.execute(sql.compose(QUERIES[name].replace("%", "%%"), **parts))


def nobodys(session: Session, tables: list[Table]) -> dict[str, int]:
    """Table → rows without a tenant, where there are any. In a transaction."""
    counts = {}
    for table in tables:
        relation, tenant = sql.relation(table.relation), sql.ident(TENANT_COLUMN)
        counts[table.relation] = ask(session, "rows_of_nobody", relation=relation, tenant=tenant)[0][0]
    return {relation: count for relation, count in counts.items() if count}
