"""A platform of made-up data in the format of the legacy pack, for whoever has no pack; the project's own generator
makes it, with every oddity that the pack has."""

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
        with psycopg.connect(scratch.owner_url) as connection:
            cursor: Any = connection.cursor()  # of the driver: ours asks for what both have
            _make_tables(cursor)
            sizes = Sizes.for_chunks(CHUNKS)
            for table in PLAN:
                fill.copy(cursor, table, table.rows(SEED, sizes))
            for table in PLAN:
                _export(cursor, table.name, table.columns, folder / f"{table.name}.csv")
    finally:
        databases.drop(scratch)


def load(scratch: Scratch, folder: Path) -> None:
    """The legacy database of these files, with nothing of Django in it."""
    with psycopg.connect(scratch.owner_url) as connection:
        cursor: Any = connection.cursor()  # of the driver: ours asks for what both have
        _make_tables(cursor)
        for table in tables.LOAD_ORDER:
            loading.copy(cursor, loading.read_header(folder, table))
        tables.analyze(cursor)


def _make_tables(cursor: Any) -> None:
    for statements in ((baseline.SQL / "auth_stub.sql").read_text(encoding="utf-8"), baseline.baseline(None)):
        cursor.execute(statements.encode())


def _export(cursor: psycopg.Cursor[Any], table: str, columns: tuple[str, ...], file: Path) -> None:
    """As the pack has it: a header, rows in the order of their ids."""
    listed = sql.SQL(", ").join(map(sql.Identifier, columns))
    query = sql.SQL("COPY (SELECT {} FROM {} ORDER BY id) TO STDOUT (FORMAT csv, HEADER)")
    with file.open("wb") as out, cursor.copy(query.format(listed, tables.identifier(table))) as stream:
        for block in stream:
            out.write(block)
