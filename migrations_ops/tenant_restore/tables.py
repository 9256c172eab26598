"""A table as a restore works on it: its own rows, those of the backup in a stage, and the differences between them.

In SQL `t` is a row of today, `s` one of the backup, `d` a difference, `p` a row that is referred to.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from psycopg.sql import Composable

from migrations_ops.engine.session import Session
from tenants.inventory import TENANT_COLUMN
from vital.db import sql
from vital.db.introspection import Column, ForeignKey, UniqueKey
from vital.db.sql import shown

QUERIES = sql.load(Path(__file__).parent / "sql")
TEMPORARY = "pg_temp"
TENANT = sql.ident(TENANT_COLUMN)
VERSIONS = sql.ident(TEMPORARY, "vital_versions")
TRUE, FALSE = sql.raw("true"), sql.raw("false")


def ask(session: Session, name: str, params: sql.Params | None = None, /, **parts: Composable) -> list[tuple[Any, ...]]:
    return session.execute(sql.compose(QUERIES[name], **parts), params)


def part(name: str, /, **parts: Composable) -> Composable:
    """A predicate out of the named SQL."""
    return sql.compose(sql.statement_of(QUERIES[name]), **parts)


def every(predicates: Iterable[Composable]) -> Composable:
    return sql.join([TRUE, *predicates], " AND ")


@dataclass(frozen=True)
class OfPartitions(ForeignKey):
    """A key that some partitions have. `rows` are the conditions of those of the child; `parents` are the tables that
    hold the rows that it leads to, where it leads to partitions."""

    rows: tuple[str, ...] = ()
    parents: tuple[int, ...] = ()


@dataclass
class Staged:
    """`columns` are those that the table has now, `held` those of them that the backup has; `references` lead to other
    rows, `referring` lead here. `notes` say what is different in the backup. `asked`: whether the table was asked for,
    or is only needed by one that was; `keys` are the rows asked for, where not all are."""

    relation: str
    key: tuple[tuple[str, str], ...]
    number: int
    columns: list[Column]
    held: list[Column]
    asked: bool
    keys: list[str] | None = None
    references: list[ForeignKey] = field(default_factory=list)
    referring: list[ForeignKey] = field(default_factory=list)
    unique: list[UniqueKey] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    rows: int = 0

    @property
    def name(self) -> str:
        return shown(self.relation)

    @property
    def key_columns(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.key)

    @property
    def compared(self) -> list[str]:
        own = {*self.key_columns, TENANT_COLUMN}
        return [column.name for column in self.held if column.name not in own]

    @property
    def settable(self) -> list[str]:
        """Those that an UPDATE may set."""
        always = {column.name for column in self.held if column.identity == "a"}
        return [name for name in self.compared if name not in always]

    @property
    def stage(self) -> Composable:
        return sql.ident(TEMPORARY, f"vital_stage_{self.number}")

    @property
    def differences(self) -> Composable:
        return sql.ident(TEMPORARY, f"vital_differences_{self.number}")

    @property
    def parts(self) -> dict[str, Composable]:
        """What many statements name."""
        return {
            "relation": sql.relation(self.relation),
            "stage": self.stage,
            "differences": self.differences,
            "versions": VERSIONS,
            "tenant": TENANT,
        }

    def key_text(self, alias: str) -> Composable:
        return sql.key_text(alias, self.key_columns)

    def same_row(self, one: str, other: str) -> Composable:
        return sql.same_values(one, self.key_columns, other, self.key_columns)

    def row_of_difference(self) -> Composable:
        """Whether `t` is the row of `d`, by the key's text, which the index on the key serves."""
        return sql.key_equals("t", self.key, sql.column("d", "key"))

    def lacks(self, alias: str) -> Composable:
        """Whether an outer join has found no row."""
        return sql.column(alias, self.key_columns[0]) + sql.raw(" IS NULL")

    def text(self, alias: str, names: Iterable[str]) -> Composable:
        """These values of a row as one text: what two types call equal may differ in it."""
        return sql.compose("ROW({values})::text", values=sql.join([sql.column(alias, name) for name in names]))

    def image(self, alias: str) -> Composable:
        """The whole row as it is remembered: a text for each column, which its type reads again exactly."""
        names = [column.name for column in self.columns if not column.is_generated]
        texts = sql.join([sql.column(alias, name) + sql.raw("::text") for name in names])
        return sql.compose("jsonb_object({names}::text[], ARRAY[{texts}])", names=sql.literal(names), texts=texts)

    def chosen(self, alias: str) -> Composable:
        """Whether the row was asked for."""
        if self.keys is None or not self.asked:
            return TRUE if self.asked else FALSE
        return sql.compose("{key} = ANY({keys}::text[])", key=self.key_text(alias), keys=sql.literal(self.keys))


def refers(reference: ForeignKey, own: str, other: str) -> Composable:
    """Whether the row `own` refers to the row `other`."""
    return sql.join(
        [sql.same_values(other, reference.key, own, reference.own), *_of_partitions(reference, own)], " AND "
    )


def is_given(reference: ForeignKey, alias: str) -> Composable:
    """Whether the row refers to anything: a key of several columns does not where one of them is NULL."""
    given = [sql.column(alias, name) + sql.raw(" IS NOT NULL") for name in reference.own]
    return sql.join([*given, *_of_partitions(reference, alias)], " AND ")


def _of_partitions(reference: ForeignKey, alias: str) -> list[Composable]:
    """Whether the row is one of those that the key binds, where that is not all."""
    if not isinstance(reference, OfPartitions) or not reference.rows:
        return []
    conditions = sql.join([sql.raw("(") + sql.verbatim(row) + sql.raw(")") for row in reference.rows], " OR ")
    return [part("lies_in_partition", row=sql.ident(alias), conditions=conditions)]


def unchanged(table: Staged, names: Iterable[str]) -> Composable:
    """Whether the row of today has these values of the backup's already."""
    return sql.join(
        [sql.compose("{t} = {s}", t=sql.column("t", name), s=sql.column("s", name)) for name in names], " AND "
    )
