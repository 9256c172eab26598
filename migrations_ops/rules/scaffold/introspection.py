"""What the catalogue says of the tables that a plan could name."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from migrations_ops.engine.session import Session
from vital.db import introspection, sql
from vital.db.introspection import ForeignKey

QUERIES = sql.load(Path(__file__).parent / "sql")
LISTS_HAVE_AT_MOST = 1_000  # rows; a bigger table is hardly one that every tenant should read
NO_TABLE = {"v": "a view", "m": "a materialized view", "f": "a foreign table"}
TENANT_COLUMN = "tenant_id"
KINDS = {**dict.fromkeys(("int2", "int4", "int8"), "integer"), "bool": "boolean"}


@dataclass(frozen=True)
class UniqueKey:
    """A unique key that is not the table's own; `stays` says why it cannot become unique per tenant."""

    columns: tuple[str, ...]
    stays: str


@dataclass(frozen=True)
class Table:
    """A table that a plan may name: `key` tells its rows apart, `needed` are the columns that always have a value."""

    relation: str
    name: str
    key: tuple[str, ...]
    columns: dict[str, str]
    needed: frozenset[str]
    unique: tuple[UniqueKey, ...]
    references: tuple[ForeignKey, ...]


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
    candidates: dict[str, tuple[str, str]] = {}
    for relation, name, kind, owner, is_ours, tenant_kind in _ask(session, "relations_to_plan", schemas=list(schemas)):
        if kind in NO_TABLE:
            left_out[relation] = f"{NO_TABLE[kind]}: it has no rows of its own to give a tenant"
        elif not is_ours:
            left_out[relation] = f"owned by {owner}: only an owner may change a table's schema"
        elif tenant_kind not in (None, "uuid"):
            left_out[relation] = f"its column {TENANT_COLUMN} is {tenant_kind}: rename it, for a tenant's id is a uuid"
        else:
            candidates[relation] = (name, kind)
    left_out |= _rows_of_others(session, list(candidates))
    facts = _Facts.of(session, [relation for relation in candidates if relation not in left_out])
    for relation in facts.relations:
        name, kind = candidates[relation]
        if table := facts.table(relation, name, is_partitioned=kind == "p"):
            tables[relation] = table
        else:
            left_out[relation] = "no primary key: its rows could not be distinguished"
    return Catalogue(session.connection.info.dbname, tables, left_out)


def _rows_of_others(session: Session, relations: list[str]) -> dict[str, str]:
    """Tables that inherit from one another have rows in common, and a plan names a row's table once: the one above if
    it has rows of its own, else those below. Table → why it is left out."""
    left_out: dict[str, str] = {}
    for above, heirs in _ask(session, "families", relations=relations):
        if above in left_out:  # and so are its heirs, with one further up
            continue
        if session.value(sql.compose(QUERIES["has_rows_of_its_own"], relation=sql.relation(above))):
            left_out |= dict.fromkeys(heirs, f"it inherits from {above}, which has rows of its own")
        else:
            left_out[above] = f"it has no rows of its own: they are those of {', '.join(heirs)}, which inherit from it"
    return left_out


@dataclass(frozen=True)
class _Facts:
    """What the catalogue says of several tables, asked at once."""

    relations: list[str]
    columns: dict[str, list[introspection.Column]]
    keys: dict[str, list[introspection.UniqueKey]]
    references: dict[str, list[ForeignKey]]

    @classmethod
    def of(cls, session: Session, relations: list[str]) -> Self:
        references: dict[str, list[ForeignKey]] = {}
        for key in introspection.foreign_keys(session, relations):
            references.setdefault(key.child, []).append(key)
        columns = introspection.columns_of(session, relations)
        return cls(relations, columns, introspection.unique_keys_of(session, relations), references)

    def table(self, relation: str, name: str, *, is_partitioned: bool) -> Table | None:
        """None where no key tells its rows apart."""
        columns = self.columns.get(relation, [])
        needed = frozenset(column.name for column in columns if column.never_null)
        keys = [key for key in self.keys.get(relation, []) if key.is_valid]
        own = next((key for key in keys if _is_plain(key) and needed.issuperset(key.columns)), None)
        if own is None:
            return None
        return Table(
            relation=relation,
            name=name,
            key=own.columns,
            columns={column.name: _kind(column) for column in columns},
            needed=needed,
            unique=tuple(
                UniqueKey(key.columns, _stays(key, is_partitioned=is_partitioned))
                for key in keys
                if key.columns != own.columns
            ),
            references=tuple(sorted(self.references.get(relation, []), key=lambda key: key.name)),
        )


def _kind(column: introspection.Column) -> str:
    """The column's type as a plan says it."""
    return "text" if column.category in ("S", "E") else KINDS.get(column.type_name, column.type_name)


def _is_plain(key: introspection.UniqueKey) -> bool:
    return key.tells_rows_apart and not key.is_deferrable


def _stays(key: introspection.UniqueKey, *, is_partitioned: bool) -> str:
    """What keeps the key from becoming unique per tenant; empty where nothing does."""
    reasons = {
        "it holds for some rows only": key.is_partial,
        "it is made of expressions": key.has_expressions,
        "it carries other columns": key.includes_others,
        "it is deferrable": key.is_deferrable,
        "it takes NULLs for equal": key.nulls_are_equal,
        "its table is partitioned": is_partitioned,
        f"{key.referred_by} refers to it": bool(key.referred_by),
    }
    return next((why for why, holds in reasons.items() if holds), "")


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


def has_blank(session: Session, table: Table, column: str) -> bool:
    """Whether a row has nothing in this column, or may have."""
    parts = {"relation": sql.relation(table.relation), "column": sql.column("t", column)}
    return column not in table.needed or bool(session.value(sql.compose(QUERIES["has_blank"], **parts)))


def rows_in(session: Session, table: Table) -> int:
    """How many rows the table has."""
    return int(session.value(sql.compose(QUERIES["rows_in"], relation=sql.relation(table.relation))))


def _ask(session: Session, name: str, **params: Any) -> list[tuple[Any, ...]]:
    return session.execute(sql.compose(QUERIES[name]), params)
