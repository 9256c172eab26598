"""Rows on their way into a table, as texts: read by one statement, and written by another that has them as values.

Citus COPYs what an INSERT … SELECT reads, and row level security refuses COPY; values it takes.
"""

from collections.abc import Iterable, Iterator, Sequence

from psycopg.sql import Composable

from tenants.lifecycle.queries import ask
from vital.db import sql
from vital.db.introspection import Column
from vital.db.session import Session

AT_ONCE, BYTES = 1_000, 16 << 20  # rows and bytes of one statement
Row = tuple[str | None, ...]


def texts(values: Iterable[Composable]) -> Composable:
    """What to select."""
    return sql.join(sql.compose("({value})::text", value=value) for value in values)


def put(session: Session, relation: str, columns: Sequence[Column], rows: Sequence[Row]) -> None:
    """Write rows, each a text or None for each column. In a transaction."""
    if rows:
        names = sql.join(sql.ident(column.name) for column in columns)
        values = sql.join(_values(columns, row) for row in rows)
        ask(session, "put_rows", relation=sql.relation(relation), columns=names, rows=values)


def batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """So many rows that neither they nor their bytes are many."""
    batch, size = list[Row](), 0
    for row in rows:
        batch.append(row)
        size += sum(len(value) for value in row if value is not None)
        if len(batch) == AT_ONCE or size > BYTES:
            yield batch
            batch, size = [], 0
    yield batch


def _values(columns: Sequence[Column], row: Row) -> Composable:
    typed = [
        sql.compose("{value}::{kind}", value=sql.literal(value), kind=sql.verbatim(column.kind))
        for column, value in zip(columns, row, strict=True)
    ]
    return sql.compose("({values})", values=sql.join(typed))
