"""Where statements are at hand: a file, a server log, pg_stat_statements."""

import codecs
import csv
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.sql import Composable

from migrations_ops.impact.splitting import pieces
from vital.db import sql
from vital.db.session import Session
from vital.errors import EngineError

QUERIES = sql.load(Path(__file__).parent / "sql")
HIDDEN = "<insufficient privilege>"
TAKEN_FROM_BOUND = ("TRUNCATE", "TRIGGER", "REFERENCES")
ROLES_OF_OURS = ("vital_tenant", "vital_operator")
# What the server writes of a statement; of the protocol's parse and bind nothing is executed.
LOGGED = re.compile(
    r"(?:duration: [\d.]+ ms\s+)?(?:statement|execute (?:fetch from )?(?:<unnamed>|[^\n:]{1,63})): (?P<text>.+)",
    re.DOTALL,
)
# A line of stderr: whatever log_line_prefix puts before it, the severity, and what is said.
LINE = re.compile(r"(?P<prefix>.*?)\b(?:LOG|ERROR|FATAL|WARNING|NOTICE|DETAIL|HINT|STATEMENT|CONTEXT|INFO|DEBUG\d): +")
LOG = re.compile(r"\bLOG: +$")
WHO = (
    re.compile(r"user=(?P<role>[^\s,\[\]]+?),?\s*db=(?P<database>[^\s,\[\]]+)"),
    re.compile(r"(?P<role>[^\s@\[\]]+)@(?P<database>[^\s@\[\]:]+)"),
)
TYPED = re.compile(
    r"\b(interval|date|timestamptz|timestamp|time) (\$\d+)", re.IGNORECASE
)  # of which SQL knows constants alone
CSV_COLUMNS = {"role": 1, "database": 2, "message": 13}


class NotRead(EngineError):
    """The statements cannot be read from {source}: {reason}. Nothing was changed."""

    exit_code = 2


class NoStatements(EngineError):
    """There are no statements at hand: {reason}. Nothing was changed. Give a file with --statements FILE or a log
    with --log FILE, or let the server load pg_stat_statements (shared_preload_libraries), and CREATE EXTENSION
    pg_stat_statements."""

    exit_code = 2


@dataclass(frozen=True)
class Sent:
    """A statement as it was found: who sends it (empty: not known), how often, and where it stands."""

    text: str
    role: str = ""
    calls: int = 1
    where: str = ""


def of_file(file: Path) -> list[Sent]:
    """Each statement of a file of SQL. Raises NotRead."""
    text = text_of(file)
    return [Sent(piece.text, piece.role, where=f"{file}:{piece.line}") for piece in pieces(text)]


def of_text(text: str) -> list[Sent]:
    """Each statement of a text of SQL."""
    return [Sent(piece.text, piece.role, where=f"line {piece.line}") for piece in pieces(text)]


def of_log(file: Path, database: str) -> list[Sent]:
    """Those that a server has logged of this database: csvlog, jsonlog, or stderr, by what the file holds."""
    text = text_of(file)
    first = text.lstrip()[:1]
    entries = _of_json(text) if first == "{" else _of_csv(file, text) if _is_csv(text) else _of_stderr(text)
    found = []
    for place, role, of_database, message in entries:
        logged = LOGGED.match(message)
        if logged and of_database in ("", database):
            found += [Sent(one.text, role, where=f"{file}:{place}") for one in pieces(logged["text"])]
    return found


def of_database(session: Session) -> tuple[list[Sent], str]:
    """What pg_stat_statements has of this database; else none, and why. Not what VITAL's own roles send."""
    names = session.execute(QUERIES["statistics_of_statements"])
    if not names:
        return [], "pg_stat_statements is not in this database"
    parts = {"statistics": sql.relation(str(names[0][0])), "ours": sql.literal(list(ROLES_OF_OURS))}
    try:
        with session.connection.transaction():
            found = session.execute(sql.compose(QUERIES["statements_that_were_sent"], **parts))
    except psycopg.Error as error:
        return [], f"pg_stat_statements cannot be read: {error.diag.message_primary or error}"
    read = [Sent(text, role, int(calls), "pg_stat_statements") for role, text, calls in found if text != HIDDEN]
    if len(read) < len(found) and not read:
        return [], "pg_stat_statements hides what others send: GRANT pg_read_all_stats"
    sent = [
        Sent(TYPED.sub(r"\2::\1", one.text), given.role, given.calls, given.where)
        for given in read
        for one in pieces(given.text)
    ]
    return sent, "" if sent else "pg_stat_statements has no statement of this database"


def owners_of(tables: Sequence[str]) -> Composable:
    """The query of who owns these tables."""
    return sql.compose(QUERIES["owners_of_tables"], tables=sql.literal(list(tables)))


def grants(session: Session, roles: Sequence[str], bound: Sequence[str]) -> list[Composable]:
    """The GRANTs that a copy lacks; of `bound` roles without what a run takes from them."""
    found = session.execute(sql.compose(QUERIES["grants_on_everything"], roles=sql.literal(list(roles))))
    return [
        sql.verbatim(text) for role, privilege, text in found if role not in bound or privilege not in TAKEN_FROM_BOUND
    ]


def text_of(file: Path) -> str:
    """What it says, in UTF-8 or, as editors of Windows mark it, in UTF-16. Raises NotRead."""
    try:
        with file.open("rb") as begun:
            encoding = "utf-16" if begun.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8-sig"
        return file.read_text(encoding=encoding, errors="replace")
    except OSError as error:
        raise NotRead(source=file, reason=error.strerror or str(error)) from error


Entry = tuple[int, str, str, str]  # line, role, database, message


def _is_csv(text: str) -> bool:
    first = next(csv.reader(text.splitlines()[:1]), [])
    return len(first) >= max(CSV_COLUMNS.values()) + 8


def _of_csv(file: Path, text: str) -> Iterator[Entry]:
    csv.field_size_limit(2**27)
    reader = csv.reader(text.splitlines(keepends=True))
    try:
        for row in reader:
            if len(row) > max(CSV_COLUMNS.values()):
                role, database, message = (row[CSV_COLUMNS[name]] for name in ("role", "database", "message"))
                yield reader.line_num, role, database, message
    except csv.Error as error:
        raise NotRead(source=file, reason=f"line {reader.line_num}: {error}") from error


def _of_json(text: str) -> Iterator[Entry]:
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            entry = json.loads(line)
        except ValueError:
            continue  # the last line of a log may be half written
        if isinstance(entry, dict):
            yield number, str(entry.get("user", "")), str(entry.get("dbname", "")), str(entry.get("message", ""))


def _of_stderr(text: str) -> Iterator[Entry]:
    """A statement may go on over lines, each of which begins with a tab."""
    entry: tuple[int, str, str, list[str]] | None = None
    for number, line in enumerate(text.splitlines(), start=1):
        if line.startswith("\t"):
            if entry:
                entry[3].append(line[1:])
            continue
        if entry:
            yield (*entry[:3], "\n".join(entry[3]))
            entry = None
        said = LINE.match(line)
        if said and LOG.search(said[0]):
            role, database = _who(said["prefix"])
            entry = (number, role, database, [line[said.end() :]])
    if entry:
        yield (*entry[:3], "\n".join(entry[3]))


def _who(prefix: str) -> tuple[str, str]:
    """Role and database, where log_line_prefix names both."""
    for pattern in WHO:
        if found := pattern.search(prefix):
            return found["role"], found["database"]
    return "", ""
