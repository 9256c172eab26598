"""Findings as a file for a spreadsheet, and the decisions that come back in it."""

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TextIO

from migrations_ops.review.decide import Decision
from vital import private_files
from vital.errors import EngineError

COLUMNS = ("table", "key", "check", "message", "tenant", "reason")
NEEDED = ("table", "key", "tenant", "reason")
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")  # what a spreadsheet may carry out at the start of a cell
QUOTE = "'"


class UnreadableSheet(EngineError):
    """The file {path} cannot be read: {reason}. Nothing was written. It must be CSV in UTF-8 with the columns table,
    key, tenant and reason; `./manage.py migrate_tenants findings --csv FILE` writes one to fill in."""

    exit_code = 2


def safe(cell: str) -> str:
    """The cell as no spreadsheet takes it for a formula."""
    return QUOTE + cell if cell.startswith((*FORMULA, QUOTE)) else cell


def meant(cell: str) -> str:
    """The reverse, also for a cell that somebody has typed."""
    return cell[1:] if cell.startswith(QUOTE) and cell[1:].startswith((*FORMULA, QUOTE)) else cell


def write(path: Path, rows: Iterable[dict[str, Any]]) -> int:
    """Write a new file with the findings and two empty columns; returns how many. Raises FileExistsError."""
    # With the mark that spreadsheets know UTF-8 by.
    with private_files.lines(path, encoding="utf-8-sig") as file:
        return _write(file, rows)


def _write(file: TextIO, rows: Iterable[dict[str, Any]]) -> int:
    count = 0
    lines = csv.DictWriter(file, COLUMNS, restval="", extrasaction="ignore")
    lines.writeheader()
    for row in rows:
        count += 1
        lines.writerow({name: safe(str(row[name])) for name in COLUMNS if name in row})
    return count


def read(path: Path) -> Iterator[Decision]:
    """The lines of a file, one after the other, with the number that an editor shows. Raises UnreadableSheet."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header = file.readline()
            separator = max((",", ";", "\t"), key=header.count)
            names = [name.strip().lower() for name in next(csv.reader([header], delimiter=separator), [])]
            if missing := [name for name in NEEDED if name not in names]:
                raise UnreadableSheet(path=path, reason=f"it has no column {', '.join(missing)}")
            yield from _lines(csv.reader(file, delimiter=separator, strict=True), names)
    except (csv.Error, UnicodeDecodeError) as error:
        raise UnreadableSheet(path=path, reason=error) from error


def _lines(reader: Any, names: list[str]) -> Iterator[Decision]:
    while True:
        line = reader.line_num + 2  # the header has been read, and lines count from 1
        cells = next(reader, None)
        if cells is None:
            return
        if any(cells):
            row = dict.fromkeys(NEEDED, "") | dict(zip(names, map(meant, cells), strict=False))
            yield Decision(line, row["table"].strip(), row["key"], row["tenant"].strip(), row["reason"].strip())
