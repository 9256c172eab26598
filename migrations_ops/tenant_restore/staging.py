"""The backup's rows beside today's, in temporary tables of this session: the tenant's whole, of others' the keys.

The rows come as COPY writes them and go on as they are; which are the tenant's is read here, so that a server is sent
no more than it needs, and memory stays the same however many there are.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence

import psycopg

from migrations_ops.engine.session import Session
from migrations_ops.tenant_restore.backup_file import BackupFile, Layout, Part
from migrations_ops.tenant_restore.tables import QUERIES, TENANT, VERSIONS, Staged, ask
from tenants.inventory import TENANT_COLUMN
from vital.db import sql
from vital.errors import EngineError

Say = Callable[[str], None]
BLOCK = 1 << 18  # bytes sent at once
EVERY = 5  # seconds between two words about how far it is
NOTHING = b"\\N"


class NoTemporaryTables(EngineError):
    """This login may make no temporary tables in the database, and a restore needs some to compare. Nothing was
    changed. As the owner of the database: GRANT TEMPORARY ON DATABASE … TO …"""

    exit_code = 2


class CannotCompare(Exception):
    """Why a table cannot be compared with the backup; its only argument says it."""


def make_room(session: Session) -> None:
    """Raises NoTemporaryTables."""
    try:
        with session.work(as_operator=False):
            ask(session, "make_own_versions", versions=VERSIONS)
            ask(session, "use_temporary", table=VERSIONS)
    except psycopg.errors.InsufficientPrivilege as error:
        raise NoTemporaryTables from error


def load(session: Session, backup: BackupFile, layout: Layout, table: Staged, tenant: str, say: Say) -> None:
    """Fill the table's stage. Raises CannotCompare, NotABackup."""
    try:
        types = dict(ask(session, "loose_types", {"relation": table.relation}))
        _make(session, table, types)
        for entry in layout.parts:
            with backup.rows(entry) as part:
                if part.columns:
                    _copy(session, table, part, tenant, _Progress(say, table.name, _rows_of(backup, table)))
        with session.work(as_operator=False):
            ask(session, "index_stage", stage=table.stage, key=sql.join(map(sql.ident, table.key_columns)))
            ask(session, "analyze_temporary", table=table.stage)
            ((table.rows,),) = ask(session, "rows_staged", {"tenant": tenant}, stage=table.stage, tenant=TENANT)
    except psycopg.errors.UniqueViolation as error:
        raise CannotCompare("several rows of it have the same key in the backup") from error
    except psycopg.DataError as error:
        where = (error.diag.context or "").split(":")[0].rpartition(", ")[2]
        raise CannotCompare(f"its values do not fit today's types: {error.diag.message_primary} ({where})") from error


def _make(session: Session, table: Staged, types: dict[str, str]) -> None:
    columns = [sql.ident(one.name) + sql.raw(" ") + sql.verbatim(types[one.name]) for one in table.held]
    with session.work(as_operator=False):
        ask(session, "make_stage", stage=table.stage, columns=sql.join(columns))
        ask(session, "make_differences", differences=table.differences)
        ask(session, "index_differences", differences=table.differences)
        for made in (table.stage, table.differences):
            ask(session, "use_temporary", table=made)


def _copy(session: Session, table: Staged, part: Part, tenant: str, progress: "_Progress") -> None:
    held = {column.name for column in table.held}
    kept = [name for name in part.columns if name in held]
    columns = sql.join(map(sql.ident, kept))
    statement = sql.compose(QUERIES["copy_into_stage"], stage=table.stage, columns=columns)
    with session.work(as_operator=False):
        if part.encoding != "UTF8":
            ask(session, "encoding_of_rows", {"name": part.encoding})
        with session.connection.cursor() as cursor, cursor.copy(sql.text_of(statement).encode()) as copy:
            lines = wanted_lines(part.lines, part.columns, kept, tenant, table.key_columns)
            for block in _blocks(progress.counting(lines)):
                copy.write(block)


def wanted_lines(
    lines: Iterable[bytes], columns: Sequence[str], kept: Sequence[str], tenant: str, key: Sequence[str]
) -> Iterator[bytes]:
    """The tenant's lines with the columns that are kept; of others the key and whose they are."""
    owner, mine = columns.index(TENANT_COLUMN), tenant.encode()
    places = [columns.index(name) for name in kept]
    named = {columns.index(name) for name in (*key, TENANT_COLUMN)}
    all_kept = len(kept) == len(columns)
    for line in lines:
        fields = line.rstrip(b"\n").split(b"\t")
        if fields[owner] == mine:
            yield line if all_kept else b"\t".join([fields[at] for at in places]) + b"\n"
        else:
            yield b"\t".join([fields[at] if at in named else NOTHING for at in places]) + b"\n"


def _blocks(lines: Iterable[bytes]) -> Iterator[bytes]:
    block, size = list[bytes](), 0
    for line in lines:
        block.append(line)
        size += len(line)
        if size > BLOCK:
            yield b"".join(block)
            block, size = [], 0
    yield b"".join(block)


def _rows_of(backup: BackupFile, table: Staged) -> int:
    """How many rows the backup says that the table has, all tenants', partitions not counted in; 0: it does not say."""
    known = backup.manifest.tables if backup.manifest else {}
    return known[table.relation].rows if table.relation in known else 0


class _Progress:
    """Says every few seconds how many rows were read, how fast, and how long it still takes."""

    def __init__(self, say: Say, name: str, total: int) -> None:
        self.say, self.name, self.total = say, name, total
        self.begun = self.said = time.monotonic()

    def counting(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        for number, line in enumerate(lines):
            if number % 1_000 == 0 and time.monotonic() - self.said > EVERY:
                self.said = time.monotonic()
                self.say(f"{self.name}: {progress(number, self.total, self.said - self.begun)} read")
            yield line


def progress(done: int, total: int, seconds: float) -> str:
    """So many rows of so many, the rate, and the time that is left, as far as these are known."""
    rate = done / seconds if seconds else 0
    words = f"{done:,} of {total:,} rows" if total else f"{done:,} rows"
    if rate:
        words += f", {rate:,.0f} rows/s"
    if rate and total:
        words += f", {max(total - done, 0) / rate:,.0f} s left"
    return words
