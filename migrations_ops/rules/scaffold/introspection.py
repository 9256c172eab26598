"""What the catalogue says of the tables that a plan could name."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from migrations_ops.engine.session import Session
from vital.db import sql

QUERIES = sql.load(Path(__file__).parent / "sql")
LISTS_HAVE_AT_MOST = 1_000  # rows; a bigger table is hardly one that every tenant should read
NO_TABLE = {"v": "a view", "m": "a materialized view", "f": "a foreign table"}
TENANT_COLUMN = "tenant_id"


@dataclass(frozen=True)
class UniqueKey:
    """A unique key that is not the table's own; `stays` says why it cannot become unique per tenant."""

    columns: tuple[str, ...]
    stays: str


@dataclass(frozen=True)
class Reference:
    """A foreign key of a table."""

    columns: tuple[str, ...]
    parent: str
    keys: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """A table that a plan may name: `key` tells its rows apart, `needed` are the columns that always have a value."""

    relation: str
    name: str
    key: tuple[str, ...]
    columns: dict[str, str]
    needed: frozenset[str]
    unique: tuple[UniqueKey, ...]
    references: tuple[Reference, ...]


@dataclass(frozen=True)
class Catalogue:
    """The tables by their names as SQL spells them, and what was left out with the reason."""

    database: str
    tables: dict[str, Table]
    left_out: dict[str, str]


def read(session: Session, schemas: Sequence[str]) -> Catalogue:
    """Everything in these schemas; in those that hold a table of this role's, where none is named."""
    tables: dict[str, Table] = {}
    left_out: dict[str, str] = {}
    for relation, name, kind, owner, is_ours, tenant_kind in _ask(session, "relations_to_plan", schemas=list(schemas)):
        if kind in NO_TABLE:
            left_out[relation] = f"{NO_TABLE[kind]}: it has no rows of its own to give a tenant"
        elif not is_ours:
            left_out[relation] = f"owned by {owner}: only an owner may change a table's schema"
        elif tenant_kind not in (None, "uuid"):
            left_out[relation] = f"its column {TENANT_COLUMN} is {tenant_kind}: rename it, for a tenant's id is a uuid"
        elif other := next((table.relation for table in tables.values() if table.name == name), ""):
            left_out[relation] = f"a plan names a table once, and {other} is called the same"
        elif table := _table(session, relation, name):
            tables[relation] = table
        else:
            left_out[relation] = "no primary key: its rows could not be told apart"
    return Catalogue(session.connection.info.dbname, tables, left_out)


def _table(session: Session, relation: str, name: str) -> Table | None:
    """None where no key tells its rows apart."""
    columns = _ask(session, "columns_to_plan", relation=relation)
    needed = frozenset(column for column, _, always in columns if always)
    keys = [
        (tuple(key), stays, plain) for _, key, stays, plain in _ask(session, "unique_keys_to_plan", relation=relation)
    ]
    own = next((key for key, _, plain in keys if plain and needed.issuperset(key)), None)
    if own is None:
        return None
    return Table(
        relation=relation,
        name=name,
        key=own,
        columns={column: kind for column, kind, _ in columns},
        needed=needed,
        unique=tuple(UniqueKey(key, stays) for key, stays, _ in keys if key != own),
        references=tuple(
            Reference(tuple(of), parent, tuple(to))
            for of, parent, to in _ask(session, "references_to_plan", relation=relation)
        ),
    )


def is_a_list(session: Session, table: Table) -> bool:
    """Whether the table is small enough to be one of those that everybody may read."""
    question = sql.compose(QUERIES["has_more_rows_than"], relation=sql.relation(table.relation))
    return not session.value(question, {"limit": LISTS_HAVE_AT_MOST})


def rows_of(session: Session, table: Table, label: str, limit: int) -> list[tuple[list[str], str]]:
    """(key, what people call it) of the first rows of a table."""
    question = sql.compose(
        QUERIES["rows_of_the_root"],
        relation=sql.relation(table.relation),
        keys=sql.join(sql.column("t", column) + sql.raw("::text") for column in table.key),
        order=sql.join(sql.column("t", column) for column in table.key),
        label=sql.column("t", label),
    )
    return [(key, text) for key, text in session.execute(question, {"limit": limit})]


def _ask(session: Session, name: str, **params: Any) -> list[tuple[Any, ...]]:
    return session.execute(sql.compose(QUERIES[name]), params)
