"""What the catalogue says of tables: their columns, foreign keys and unique keys, each read in one way.

A bigger statement joins COLUMNS, FOREIGN_KEYS or UNIQUE_KEYS: `FROM ({foreign_keys}) AS f WHERE f.child = …`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

from psycopg.sql import Composable

from vital.db import sql

T = TypeVar("T")
QUERIES = sql.load(Path(__file__).parent / "sql")
# Without parameters or a %, so that they fit statements of either kind.
COLUMNS = sql.compose(QUERIES["table_columns"])
FOREIGN_KEYS = sql.compose(QUERIES["foreign_keys"])
UNIQUE_KEYS = sql.compose(QUERIES["unique_keys"])


class Asks(Protocol):
    """What can be asked: a Session."""

    def execute(self, statement: Composable | str, params: sql.Params | None = None) -> list[tuple[Any, ...]]: ...


@dataclass(frozen=True)
class Column:
    """A column of a table. `kind` is its type as SQL; `base` that type without its length, or what its domain is of.

    `hashable`: PostgreSQL has a hash function for the type. `labels`: those of an enum. `not_null`: no row is written
    without a value; `never_null`: nor was one before. `identity` is a (always), d (by default) or empty; a generated
    column has a default, too: how it is made.
    """

    name: str
    kind: str
    hashable: bool
    type_name: str
    category: str
    base: str
    not_null: bool
    never_null: bool
    is_generated: bool
    identity: str
    has_default: bool
    labels: tuple[str, ...]


@dataclass(frozen=True)
class ForeignKey:
    """Columns `own` of the table `child` refer to the columns `key` of the table `parent`, in the same order.

    A plan may say so as well; only what the database says has the rest. `kinds` are the types of the parent's columns.
    `is_validated`: also the rows that were there before it refer to rows. `is_inherited`: a partition has it from its
    table. `binds_every_row`: no table inherits from the child, with rows that are the child's too and may refer to
    nothing. `of_partitions`: only partitions of the child, or tables that inherit from it, have it; or it leads to one.
    """

    child: str
    own: tuple[str, ...]
    parent: str
    key: tuple[str, ...]
    name: str = field(default="", compare=False)
    kinds: tuple[str, ...] = field(default=(), compare=False)
    on_delete: str = field(default="NO ACTION", compare=False)
    is_validated: bool = field(default=False, compare=False)
    is_deferrable: bool = field(default=False, compare=False)
    parent_is_partitioned: bool = field(default=False, compare=False)
    is_inherited: bool = field(default=False, compare=False)
    binds_every_row: bool = field(default=False, compare=False)
    of_partitions: bool = field(default=False, compare=False)

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """(the column here, the column there) of each."""
        return tuple(zip(self.own, self.key, strict=True))


@dataclass(frozen=True)
class UniqueKey:
    """A unique index of a table with the columns that it is made of, in their order; expressions are not among them.

    `includes_others`: it carries columns that it is not made of. `nulls_are_equal`: NULLS NOT DISTINCT. `referred_by`:
    a table with a foreign key to it, or empty.
    """

    columns: tuple[str, ...]
    is_primary: bool
    is_valid: bool
    is_partial: bool
    has_expressions: bool
    includes_others: bool
    is_deferrable: bool
    nulls_are_equal: bool
    referred_by: str

    @property
    def tells_rows_apart(self) -> bool:
        """Whether no two rows have the same values in these columns, unless one is NULL."""
        return self.is_valid and not self.is_partial and not self.has_expressions


def columns(session: Asks, relation: str) -> list[Column]:
    """Every column of the table, in its order; none where there is no such table."""
    return columns_of(session, [relation]).get(relation, [])


def columns_of(session: Asks, relations: Iterable[str]) -> dict[str, list[Column]]:
    """Table → its columns, of each of these that is there."""
    question = sql.compose(QUERIES["columns_of_tables"], columns=COLUMNS)
    return _by_table(session, question, relations, Column)


def has_column(session: Asks, relation: str, name: str) -> bool:
    """Whether the table has a column of this name."""
    return any(column.name == name for column in columns(session, relation))


def foreign_keys(
    session: Asks, children: Iterable[str] | None = None, parents: Iterable[str] | None = None
) -> list[ForeignKey]:
    """The foreign keys from these tables to those; from all, or to all, where none are named."""
    tables = {name: None if of is None else list(of) for name, of in (("children", children), ("parents", parents))}
    question = sql.compose(QUERIES["foreign_keys_of_tables"], foreign_keys=FOREIGN_KEYS)
    return [ForeignKey(*_facts(row)) for row in session.execute(question, tables)]


def foreign_keys_between(session: Asks, relations: Iterable[str]) -> list[ForeignKey]:
    """The foreign keys from one of these tables to another of them, or to itself."""
    tables = list(relations)
    return foreign_keys(session, tables, tables)


def unique_keys(session: Asks, relation: str) -> list[UniqueKey]:
    """The unique keys of the table, the primary one first; none where there is no such table."""
    return unique_keys_of(session, [relation]).get(relation, [])


def unique_keys_of(session: Asks, relations: Iterable[str]) -> dict[str, list[UniqueKey]]:
    """Table → its unique keys, the primary one first, of each of these that has some."""
    question = sql.compose(QUERIES["unique_keys_of_tables"], unique_keys=UNIQUE_KEYS)
    return _by_table(session, question, relations, UniqueKey)


def _by_table(
    session: Asks, question: Composable, relations: Iterable[str], kind: Callable[..., T]
) -> dict[str, list[T]]:
    """Table → what the question says of it, whose rows begin with the table."""
    found: dict[str, list[T]] = {}
    for relation, *facts in session.execute(question, {"relations": list(dict.fromkeys(relations))}):
        found.setdefault(relation, []).append(kind(*_facts(facts)))
    return found


def _facts(row: Iterable[Any]) -> tuple[Any, ...]:
    """The arrays of a row as tuples."""
    return tuple(tuple(value) if isinstance(value, list) else value for value in row)
