"""Made-up data in the format of the legacy pack, for machines without the pack. The project's own generator makes it,
with every oddity that the pack has."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from catalog import baseline, loading, tables
from catalog.generation import fill
from catalog.generation.plan import PLAN
from catalog.generation.sizes import Sizes
from tests.support import databases
from tests.support.databases import Scratch

CHUNKS, SEED = 1_500, 1  # about as many rows as the pack has


def write(server_url: str, folder: Path) -> None:
    """The twelve CSV files."""
    scratch = databases.create_empty(server_url)
    try:
        with _tables(scratch) as cursor:
            sizes = Sizes.for_chunks(CHUNKS)
            for table in PLAN:
                fill.copy(cursor, table, table.rows(SEED, sizes))
            for table in PLAN:
                _export(cursor, table.name, table.columns, folder / f"{table.name}.csv")
    finally:
        databases.drop(scratch)


def load(scratch: Scratch, folder: Path) -> None:
    """The legacy database of these files, with nothing of Django in it."""
    with _tables(scratch) as cursor:
        for table in tables.LOAD_ORDER:
            loading.copy(cursor, loading.read_header(folder, table))
        tables.analyze(cursor)


@contextmanager
def _tables(scratch: Scratch) -> Iterator[Any]:
    """A cursor where the legacy tables have just been made: psycopg's, which does here what Django's does."""
    with psycopg.connect(scratch.owner_url) as connection, connection.cursor() as cursor:
        cursor.execute((baseline.SQL / "auth_stub.sql").read_bytes())
        cursor.execute(baseline.baseline(None).encode())
        yield cursor


def _export(cursor: Any, table: str, columns: tuple[str, ...], file: Path) -> None:
    """As the pack has it: a header, rows in the order of their ids."""
    listed = sql.SQL(", ").join(map(sql.Identifier, columns))
    query = sql.SQL("COPY (SELECT {} FROM {} ORDER BY id) TO STDOUT (FORMAT csv, HEADER)")
    with file.open("wb") as out, cursor.copy(query.format(listed, tables.identifier(table))) as stream:
        for block in stream:
            out.write(block)
