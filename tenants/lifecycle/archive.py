"""A tenant in one file: a ZIP of JSON lines, a member for each table, and a manifest that says what they hold."""

import hashlib
import json
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tenants.lifecycle.registry import Record
from vital import private_files
from vital.db.sql import shown
from vital.errors import EngineError

FORMAT = "vital tenant 1"
MANIFEST = "manifest.json"
LINE = 64 << 20  # bytes of one row at most: more could not be read again within a memory that is known


class ArchiveIsThere(EngineError):
    """{file} is there already. Name a new file; nothing was written."""

    exit_code = 2


class RowTooLong(EngineError):
    """A row of {relation} has more than {most} MiB as JSON, which no import would take. Nothing was written. Keep what
    is big in it outside of the row, or take a backup of the whole database."""


class NotWritten(EngineError):
    """The archive {file} could not be written: {reason}. Nothing of it is kept."""


@dataclass
class Table:
    """What a member holds. `needs` are keys of others' rows, by table, that its rows refer to."""

    relation: str
    key: list[str]
    columns: dict[str, str]
    rows: int
    fingerprint: str
    sha256: str = ""
    needs: dict[str, list[str]] = field(default_factory=dict)

    @property
    def member(self) -> str:
        return f"tables/{self.relation}.jsonl"


@dataclass
class Manifest:
    """`tenant` is its record, `aliases` are its further ids; the tables are in an order in which each comes after those
    that it refers to."""

    tenant: Record
    database: str
    server: str
    taken_at: str
    taken_by: str
    aliases: list[str] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    format: str = FORMAT

    @property
    def rows(self) -> int:
        return sum(table.rows for table in self.tables)


class Pack:
    """An archive that is being written."""

    def __init__(self, pack: zipfile.ZipFile) -> None:
        self._pack = pack

    def add(self, table: Table, lines: Iterable[str]) -> None:
        """Write a table's rows as they come, and note their digest."""
        digest = hashlib.sha256()
        with self._pack.open(table.member, "w", force_zip64=True) as member:
            for line in lines:
                data = f"{line}\n".encode()
                if len(data) > LINE:
                    raise RowTooLong(relation=shown(table.relation), most=LINE >> 20)
                digest.update(data)
                member.write(data)
        table.sha256 = digest.hexdigest()

    def close(self, manifest: Manifest) -> None:
        self._pack.writestr(MANIFEST, json.dumps(asdict(manifest), indent=2, ensure_ascii=False, default=str))


@contextmanager
def written(file: Path) -> Iterator[Pack]:
    """The archive to write to, which takes its name when all went well. Raises ArchiveIsThere, NotWritten."""
    try:
        with (
            private_files.whole(file) as part,
            zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as pack,
        ):
            yield Pack(pack)
    except FileExistsError as error:
        raise ArchiveIsThere(file=file) from error
    except OSError as error:
        raise NotWritten(file=file, reason=error.strerror or error) from error
