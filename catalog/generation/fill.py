"""Writing the generated rows into the empty legacy tables, in one transaction and with flat memory."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from psycopg import sql

from catalog import tables
from catalog.generation.dice import Row
from catalog.generation.plan import PLAN, Table
from catalog.generation.sizes import Sizes
from catalog.report import Filled

Progress = Callable[[str, int], None]
"""(table, rows written so far)"""

LARGE = 20_000
TELL_EVERY = 10_000

INDEXES = """
SELECT c.relname, pg_catalog.pg_get_indexdef(i.indexrelid)
  FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
 WHERE i.indrelid = %s::regclass AND i.indisvalid AND NOT i.indisreplident AND NOT i.indisclustered
   AND pg_catalog.obj_description(i.indexrelid, 'pg_class') IS NULL
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.conindid = i.indexrelid)
"""
FOREIGN_KEYS = """
SELECT conname, pg_catalog.pg_get_constraintdef(oid)
  FROM pg_catalog.pg_constraint
 WHERE conrelid = %s::regclass AND contype = 'f' AND convalidated
   AND pg_catalog.obj_description(oid, 'pg_constraint') IS NULL
"""


def generate(chunks: int, seed: int, progress: Progress = lambda table, rows: None) -> list[Filled]:
    """Fill the configured database, all or nothing: `chunks` knowledge chunks, the other tables in proportion.

    Raises TablesMissingError or NotEmptyError, or a database error; then nothing has changed.
    """
    sizes = Sizes.for_chunks(chunks)
    filled = []
    with transaction.atomic(), connection.cursor() as cursor:
        tables.claim_empty(cursor)
        cursor.execute("SET LOCAL maintenance_work_mem = '256MB'")
        for table in PLAN:
            started = time.perf_counter()
            with set_aside(cursor, table.name) if sizes.of(table.name) > LARGE else nullcontext():
                rows = copy(cursor, table, told(table.name, table.rows(seed, sizes), progress))
            filled.append(Filled(table.name, rows, time.perf_counter() - started))
        tables.analyze(cursor)
    return filled


def copy(cursor: CursorWrapper, table: Table, rows: Iterable[Row]) -> int:
    """Stream the rows into the table and return their number."""
    if table.name == "users":
        rows = list(rows)  # few, and read twice: first for their logins
        email = table.columns.index("email")
        tables.add_logins(cursor, [(str(row[0]), str(row[email])) for row in rows])
    with cursor.copy(tables.copy_from_stdin(table.name, table.columns)) as stream:
        for row in rows:
            stream.write_row(row)
    return int(cursor.rowcount)


def told(table: str, rows: Iterable[Row], progress: Progress) -> Iterator[Row]:
    """The same rows, with a word to `progress` now and then and at the end."""
    number = 0
    for number, row in enumerate(rows, 1):
        yield row
        if number % TELL_EVERY == 0:
            progress(table, number)
    progress(table, number)


@contextmanager
def set_aside(cursor: CursorWrapper, table: str) -> Iterator[None]:
    """Drop the plain indexes and foreign keys of an empty table for a while, and make them again word for word.

    Twice as fast at a million rows, and checking a foreign key row by row would queue an event in memory for each.
    Nothing needs undoing after an error: the transaction takes all of it back.
    """
    name = [f"{tables.SCHEMA}.{table}"]
    cursor.execute(INDEXES, name)
    indexes = cursor.fetchall()
    cursor.execute(FOREIGN_KEYS, name)
    keys = cursor.fetchall()
    alter = sql.SQL("ALTER TABLE {}").format(tables.identifier(table))
    for key, _ in keys:
        cursor.execute(alter + sql.SQL(" DROP CONSTRAINT {}").format(sql.Identifier(key)))
    for index, _ in indexes:
        cursor.execute(sql.SQL("DROP INDEX {}").format(tables.identifier(index)))
    yield
    for _, definition in indexes:
        cursor.execute(definition)
    for key, definition in keys:
        cursor.execute(alter + sql.SQL(" ADD CONSTRAINT {} ").format(sql.Identifier(key)) + sql.SQL(definition))
