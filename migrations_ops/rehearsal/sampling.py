"""The rows of the copy: small tables whole, big ones sampled, and every row that a copied row refers to."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.sql import Composable, Composed

from migrations_ops.engine.session import Session
from vital.db import introspection, sql
from vital.db.introspection import ForeignKey
from vital.errors import EngineError

QUERIES = sql.load(Path(__file__).parent / "sql")
KEYS_AT_ONCE = 2_000
OURS = "vital"  # the schema of VITAL's own tables

Say = Callable[[str], None]


class NotCopied(EngineError):
    """The rows of {relation} cannot be copied: {reason}. Nothing was changed. The role that rehearses must see every
    row of every table, as the one that migrates must."""


@dataclass
class Sampled:
    """How many rows of a table the copy has, and how many the table has, as far as the planner knows."""

    rows: int
    real: int

    @property
    def factor(self) -> float:
        return max(self.real / self.rows, 1.0) if self.rows else 1.0


@dataclass(frozen=True)
class Source:
    """A table to copy from: its own rows only, unless it is partitioned."""

    relation: str
    partitioned: bool

    @property
    def rows(self) -> Composable:
        return sql.compose(
            "{only}{name}", only=sql.raw("" if self.partitioned else "ONLY "), name=sql.relation(self.relation)
        )


class Sampler:
    """Copies rows from one connection to another, a statement at a time: no lock or snapshot of the source stays.

    The copy has of the schemas that are `left` to a provider what rows refer to, and gets no more.
    """

    def __init__(self, source: Session, copy: Session, limit: int, say: Say, left: Collection[str] = ()) -> None:
        self.source, self.copy, self.limit, self.say, self.left = source, copy, limit, say, left
        self.sampled: dict[str, Sampled] = {}

    def take(self) -> dict[str, Sampled]:
        """Fill the empty tables of the copy. Raises NotCopied."""
        for relation, partitioned in self.source.execute(QUERIES["tables_of_the_platform"], {"left": list(self.left)}):
            with _named(relation):
                if self._columns(relation).as_string(None):
                    self._table(Source(relation, partitioned))
        self._close(self._references())
        for sequence, position in self.source.execute(QUERIES["positions_of_sequences"]):
            self.copy.execute(QUERIES["move_sequence"], {"sequence": sequence, "position": position})
        return self.sampled

    def _table(self, table: Source) -> None:
        expected = self._expected(table)
        parts = {"columns": self._columns(table.relation, "t"), "source": table.rows}
        rows, percent = 0, 100 * self.limit / max(expected, 1)
        while not rows and percent < 100:  # by chance no page is chosen where there are few of them
            some = sql.compose(QUERIES["some_of_table"], percent=sql.literal(round(percent, 6)), **parts)
            rows, percent = self._stream(some, table.relation), percent * 2
        real = max(expected, rows)
        if not rows:
            real = rows = self._stream(sql.compose(QUERIES["whole_table"], **parts), table.relation)
        self.sampled[table.relation] = Sampled(rows, real)
        self.say(f"{table.relation}: {rows:,} rows" + (f" of about {real:,}" if real > rows else ""))

    def _expected(self, table: Source) -> int:
        return int(self.source.value(sql.compose(QUERIES["planned_rows"], source=table.rows))[0]["Plan"]["Plan Rows"])

    def _columns(self, relation: str, alias: str = "") -> Composed:
        """Those that hold values of their own: generated ones are made anew."""
        names = [column.name for column in self.source.columns(relation) if not column.is_generated]
        return sql.join(sql.column(alias, name) if alias else sql.ident(name) for name in names)

    def _references(self) -> list[ForeignKey]:
        """Every foreign key of the platform's tables. What partitions have of them is checked with their table's."""
        return [
            key
            for key in introspection.foreign_keys(self.source)
            if not key.is_inherited
            and OURS not in (sql.names(key.child)[0], sql.names(key.parent)[0])
            and sql.names(key.child)[0] not in self.left
        ]

    def _stream(self, statement: Composable, relation: str) -> int:
        """Out of the one, into the other, block by block: no table is ever held in memory."""
        into = sql.compose(QUERIES["into_copy"], relation=sql.relation(relation), columns=self._columns(relation))
        reader, writer = self.source.connection.cursor(), self.copy.connection.cursor()
        with (
            reader.copy(sql.text_of(statement).encode()) as rows,
            writer.copy(sql.text_of(into).encode()) as ours,
        ):
            for block in rows:
                ours.write(block)
        return writer.rowcount

    def _close(self, references: Sequence[ForeignKey]) -> None:
        """Copy what is referred to until nothing is missing that the source still has."""
        found = True
        while found:
            found = False
            for reference in (one for one in references if sql.names(one.parent)[0] not in self.left):
                with _named(reference.parent):
                    found |= bool(self._fetch(reference))
        dropped = 1
        while dropped:
            dropped = sum(self._drop_dangling(reference) for reference in references if reference.is_validated)

    def _fetch(self, reference: ForeignKey) -> int:
        """Copy the parents that the copy's rows lack; returns how many there were."""
        texts = [sql.compose("{c}::text", c=sql.column("c", column)) for column in reference.own]
        question = sql.compose(QUERIES["missing_references"], keys=sql.join(texts), **_parts(reference))
        missing, rows = self.copy.execute(question), 0
        for start in range(0, len(missing), KEYS_AT_ONCE):
            rows += self._parents(reference, missing[start : start + KEYS_AT_ONCE])
        if rows:
            parent = self.sampled.setdefault(reference.parent, Sampled(0, 0))
            parent.rows += rows
            parent.real = max(parent.real, parent.rows)
            self.say(f"{reference.parent}: {rows:,} more, which rows of {reference.child} refer to")
        return rows

    def _parents(self, reference: ForeignKey, keys: Sequence[tuple[str, ...]]) -> int:
        relation, names = reference.parent, [f"key_{number}" for number in range(len(reference.key))]
        values = [sql.compose("{v}::text[]", v=sql.literal(list(column))) for column in zip(*keys, strict=True)]
        same = [
            sql.compose(
                "{t} = {w}::{kind}", t=sql.column("t", key), w=sql.column("wanted", name), kind=sql.verbatim(kind)
            )
            for key, name, kind in zip(reference.key, names, reference.kinds, strict=True)
        ]
        statement = sql.compose(
            QUERIES["rows_referred_to"],
            columns=self._columns(relation, "t"),
            source=Source(relation, reference.parent_is_partitioned).rows,
            values=sql.join(values),
            names=sql.join(sql.ident(name) for name in names),
            same=sql.join(same, " AND "),
        )
        return self._stream(statement, relation)

    def _drop_dangling(self, reference: ForeignKey) -> int:
        """Rows whose parent went meanwhile: the foreign key could not be made over them."""
        rows = len(self.copy.execute(sql.compose(QUERIES["drop_dangling"], **_parts(reference))))
        if rows and reference.child in self.sampled:
            self.sampled[reference.child].rows -= rows
        return rows


@contextmanager
def _named(relation: str) -> Iterator[None]:
    """An error of the database says which table it was about."""
    try:
        yield
    except psycopg.DatabaseError as error:
        raise NotCopied(relation=relation, reason=error.diag.message_primary or str(error).strip()) from error


def _parts(reference: ForeignKey) -> dict[str, Composable]:
    """What the questions about a foreign key are composed of."""
    equal = [sql.compose("{c} = {p}", c=sql.column("c", c), p=sql.column("p", p)) for c, p in reference.pairs]
    complete = [sql.compose("{c} IS NOT NULL", c=sql.column("c", column)) for column in reference.own]
    return {
        "child": sql.relation(reference.child),
        "parent": sql.relation(reference.parent),
        "complete": sql.join(complete, " AND "),
        "same": sql.join(equal, " AND "),
    }
