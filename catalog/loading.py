"""Loading a folder of twelve CSV files into the empty legacy tables, all or nothing."""

import csv
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO
from uuid import UUID

import psycopg
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from catalog import tables
from catalog.errors import BadFolderError
from catalog.report import Filled

BLOCK = 1 << 20
LOGINS_AT_ONCE = 5_000


@dataclass(frozen=True)
class Source:
    """One CSV file with the column names of its header line."""

    table: str
    path: Path
    columns: list[str]

    def bad(self, problem: str, line: str | int | None = None) -> BadFolderError:
        place = self.path.name if line is None else f"{self.path.name}, line {line}"
        return BadFolderError(place=place, problem=problem)


def load(folder: Path) -> list[Filled]:
    """Load the folder into the configured database, in one transaction.

    Raises BadFolderError (file, line and problem), TablesMissingError, NotEmptyError, or a database error; then
    nothing has changed.
    """
    sources = [read_header(folder, table) for table in tables.LOAD_ORDER]
    filled = []
    with transaction.atomic(), connection.cursor() as cursor:
        tables.claim_empty(cursor)
        for source in sources:
            check_columns(source, tables.columns(cursor, source.table))
        for source in sources:
            started = time.perf_counter()
            rows = copy(cursor, source)
            filled.append(Filled(source.table, rows, time.perf_counter() - started))
        tables.analyze(cursor)
    return filled


def read_header(folder: Path, table: str) -> Source:
    """The table's file in the folder. Raises BadFolderError where there is none, or none with a header line."""
    source = Source(table, folder / f"{table}.csv", [])
    try:
        with opened(source.path) as file:
            source.columns.extend(next(csv.reader(file, strict=True), []))
    except OSError as error:
        raise BadFolderError(place=str(source.path), problem=error.strerror or str(error)) from error
    except csv.Error as error:
        raise source.bad(str(error), 1) from error
    if not source.columns:
        raise source.bad("has no header line")
    return source


def opened(path: Path) -> TextIO:
    """The file for a CSV reader. What is not UTF-8 is passed over: PostgreSQL refuses it later, and names the line."""
    return path.open(encoding="utf-8-sig", errors="replace", newline="")


def check_columns(source: Source, known: set[str]) -> None:
    """Raise BadFolderError for a header that names a column twice, or one that the table does not have."""
    if unknown := [name for name in source.columns if name not in known]:
        raise source.bad(f"unknown column {', '.join(unknown)}", 1)
    if repeated := sorted({name for name in source.columns if source.columns.count(name) > 1}):
        raise source.bad(f"column named twice: {', '.join(repeated)}", 1)


def copy(cursor: CursorWrapper, source: Source) -> int:
    """Copy one file and return its number of rows; PostgreSQL reads the CSV, so its rules for NULL and quotes hold."""
    if source.table == "users":
        for logins in read_logins(source):
            tables.add_logins(cursor, logins)
    statement = tables.copy_from_stdin(source.table, source.columns, "(FORMAT csv, HEADER, ENCODING 'UTF8')")
    try:
        with source.path.open("rb") as file, cursor.copy(statement) as stream:
            while block := file.read(BLOCK):
                stream.write(block)
    except (psycopg.DataError, psycopg.IntegrityError) as error:
        raise explained(source, error) from error
    return int(cursor.rowcount)


def read_logins(source: Source) -> Iterator[list[tuple[str, str | None]]]:
    """The (id, email) pairs of users.csv, some thousand at a time. Raises BadFolderError for an id that is no UUID."""
    logins: list[tuple[str, str | None]] = []
    with opened(source.path) as file:
        reader = csv.DictReader(file, strict=True)
        try:
            for row in reader:
                logins.append((str(UUID(row.get("id") or "")), row.get("email") or None))
                if len(logins) == LOGINS_AT_ONCE:
                    yield logins
                    logins = []
        except (csv.Error, ValueError) as error:
            raise source.bad(str(error), reader.line_num) from error
    yield logins


def explained(source: Source, error: psycopg.Error) -> BadFolderError:
    """What PostgreSQL says about a file it does not accept, with the line if it names one."""
    context = re.search(r"line (\d+)(?:, column (\w+))?", error.diag.context or "")
    problem = error.diag.message_primary or str(error)
    if context and context[2]:
        problem = f"column {context[2]}: {problem}"
    if error.diag.message_detail:
        problem += f" ({error.diag.message_detail.rstrip('.')})"
    return source.bad(problem, context and context[1])
