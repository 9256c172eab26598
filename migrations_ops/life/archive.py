"""A tenant in one file: a ZIP of JSON lines, a member for each table, and a manifest that says what they hold."""

import hashlib
import json
import os
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from migrations_ops.engine.errors import EngineError

FORMAT = "vital tenant 1"
MANIFEST = "manifest.json"
PRIVATE = 0o600


class NoArchive(EngineError):
    """{file} is no archive of a tenant that can be relied on: {reason}. Nothing was changed."""

    exit_code = 2


class ArchiveIsThere(EngineError):
    """{file} is there already. Name a new file; nothing was written."""

    exit_code = 2


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
    """`tenant` is its record; the tables are in an order in which each comes after those that it refers to."""

    tenant: dict[str, Any]
    database: str
    server: str
    taken_at: str
    taken_by: str
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
                digest.update(data)
                member.write(data)
        table.sha256 = digest.hexdigest()

    def close(self, manifest: Manifest) -> None:
        self._pack.writestr(MANIFEST, json.dumps(asdict(manifest), indent=2, ensure_ascii=False, default=str))


@contextmanager
def written(file: Path) -> Iterator[Pack]:
    """The archive to write to, which takes its name when all went well. Raises ArchiveIsThere, NotWritten."""
    if file.exists():
        raise ArchiveIsThere(file=file)
    part = file.with_name(file.name + ".part")
    try:
        os.close(os.open(part, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, PRIVATE))
        with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as pack:
            yield Pack(pack)
        part.rename(file)
    except OSError as error:
        raise NotWritten(file=file, reason=error.strerror or error) from error
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def opened(file: Path) -> Iterator[tuple[Manifest, zipfile.ZipFile]]:
    """An archive whose every member is what the manifest says. Raises NoArchive before anything can rely on it."""
    try:
        with zipfile.ZipFile(file) as pack:
            manifest = _manifest(file, pack)
            for table in manifest.tables:
                _compare(file, pack, table)
            yield manifest, pack
    except (OSError, zipfile.BadZipFile, KeyError, EOFError) as error:
        raise NoArchive(file=file, reason=str(error).strip("'") or type(error).__name__) from error


def lines_of(pack: zipfile.ZipFile, table: Table) -> Iterator[str]:
    """The table's rows, each as JSON."""
    with pack.open(table.member) as member:
        yield from (line.decode() for line in member)


def digest_of(file: Path) -> str:
    """The SHA-256 of the whole file."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _manifest(file: Path, pack: zipfile.ZipFile) -> Manifest:
    try:
        held = json.loads(pack.read(MANIFEST))
        manifest = Manifest(**held | {"tables": [Table(**table) for table in held["tables"]]})
    except (ValueError, TypeError) as error:
        raise NoArchive(file=file, reason=f"its manifest cannot be read ({error})") from error
    if manifest.format != FORMAT:
        raise NoArchive(file=file, reason=f"its format is {manifest.format!r}, and this VITAL reads {FORMAT!r}")
    return manifest


def _compare(file: Path, pack: zipfile.ZipFile, table: Table) -> None:
    digest, rows = hashlib.sha256(), 0
    with pack.open(table.member) as member:
        stream: IO[bytes] = member
        for line in stream:
            digest.update(line)
            rows += 1
    if (digest.hexdigest(), rows) != (table.sha256, table.rows):
        raise NoArchive(file=file, reason=f"{table.relation} is not what the manifest says: it was altered")
