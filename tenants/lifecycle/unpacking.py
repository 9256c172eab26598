"""An archive that was handed to us: read with care, in little memory, and relied on only where all of it fits.

Whoever wrote it may have meant harm: what it says of itself is compared with what is there, nothing is read without a
limit, and nothing is ever unpacked into a file.
"""

import hashlib
import io
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO
from uuid import UUID

from tenants.identity import tenant_id
from tenants.lifecycle.archive import FORMAT, LINE, MANIFEST, Manifest, Table
from vital import shapes
from vital.db import sql
from vital.errors import EngineError
from vital.shapes import Misshapen, brief

MANIFESTS, LIST = 16 << 20, 32 << 20  # bytes of a manifest, and of the list of members
MEMBER, ALL = 64 << 30, 256 << 30  # bytes of a table, and of everything, unpacked
TABLES = 10_000
BLOCK = 1 << 20
HEX, NUMBER = re.compile(r"[0-9a-f]{64}"), re.compile(r"-?[0-9]{1,40}")
# A schema and a table as PostgreSQL spells them.
RELATION = re.compile(r'(?:[a-z_][a-z0-9_]*|"(?:[^"]|"")+")\.(?:[a-z_][a-z0-9_]*|"(?:[^"]|"")+")')
PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
ENCRYPTED = 0x1
# All that zipfile and zlib are known to raise over a file that is damaged, or made to harm.
DAMAGE = (
    OSError, zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, struct.error, EOFError, KeyError, IndexError,
    ValueError, OverflowError, NotImplementedError, RuntimeError, MemoryError,
)  # fmt: skip


class NoArchive(EngineError):
    """{file} is no archive of a tenant that can be relied on: {reason}. Nothing was changed. Export the tenant again,
    or take another copy of the file."""

    exit_code = 2


class Archive:
    """An archive whose every member is what its manifest says."""

    def __init__(self, file: Path, pack: zipfile.ZipFile, manifest: Manifest, digest: str) -> None:
        self._file, self._pack, self.manifest, self.digest = file, pack, manifest, digest

    def lines(self, table: Table) -> Iterator[str]:
        """The table's rows, each as JSON."""
        with _trusted(self._file):
            for line in _lines(self._pack, table):
                yield line.decode()


@contextmanager
def opened(file: Path) -> Iterator[Archive]:
    """Raises NoArchive before anything can rely on it."""
    with _trusted(file):
        stream = _stream(file)
    with stream:
        with _trusted(file):
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
            pack = zipfile.ZipFile(_Careful(stream))
            manifest = _manifest(pack)
            _refuse_other_members(pack, manifest)
            for table in manifest.tables:
                _compare(pack, table)
        yield Archive(file, pack, manifest, digest)


class _Careful(io.RawIOBase):
    """A file that gives no more at once than is known to be enough: a ZIP says itself how long its list is."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def read(self, size: int = -1, /) -> bytes:
        if size > LIST:
            raise Misshapen(f"its list of members has more than {LIST >> 20} MiB")
        return self._stream.read(LIST if size < 0 else size)

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True


@contextmanager
def _trusted(file: Path) -> Iterator[None]:
    """What is found to be wrong with the file is one sentence. An error of the caller's own goes by, as it came."""
    try:
        yield
    except DAMAGE as error:
        words = (isinstance(error, OSError) and error.strerror) or str(error).strip("'\"") or type(error).__name__
        reason = str(error) if isinstance(error, Misshapen) else brief(words)
        raise NoArchive(file=file, reason=reason) from error


def _stream(file: Path) -> io.BufferedReader:
    if not stat.S_ISREG(file.stat().st_mode):
        raise Misshapen("it is not a file")  # a pipe would be waited for
    return file.open("rb")


def _manifest(pack: zipfile.ZipFile) -> Manifest:
    if MANIFEST not in pack.NameToInfo:
        raise Misshapen(f"it has no {MANIFEST}")
    _refuse_info(pack.getinfo(MANIFEST))
    with pack.open(MANIFEST) as member:
        text = member.read(MANIFESTS + 1)
    if len(text) > MANIFESTS:
        raise Misshapen(f"its manifest has more than {MANIFESTS >> 20} MiB")
    held = shapes.parsed(text)
    if isinstance(held, dict) and held.get("format") != FORMAT:
        raise Misshapen(f"its format is {brief(held.get('format'))}, and this VITAL reads {FORMAT!r}")
    manifest: Manifest = shapes.read(Manifest, held, "the manifest")
    _refuse_absurd(manifest)
    return manifest


def _refuse_absurd(manifest: Manifest) -> None:
    """Raise Misshapen where a value is of the right type and cannot be meant."""
    names = [table.relation for table in manifest.tables]
    if not _is(lambda: str(UUID(manifest.tenant.id)) == manifest.tenant.id):
        raise Misshapen(f"the manifest.tenant.id must be a UUID, not {brief(manifest.tenant.id)}")
    if other := [alias for alias in manifest.aliases if tenant_id(alias) != alias]:
        raise Misshapen(f"the manifest.aliases must be UUIDs, not {brief(other[0])}")
    if not _is(lambda: bool(datetime.fromisoformat(manifest.taken_at))):
        raise Misshapen(f"the manifest.taken_at must be a time, not {brief(manifest.taken_at)}")
    if len(names) > TABLES or len(set(names)) < len(names):
        raise Misshapen("the manifest names a table twice" if len(names) <= TABLES else "it has too many tables")
    for table in manifest.tables:
        _refuse_absurd_table(table, set(names))


def _refuse_absurd_table(table: Table, names: set[str]) -> None:
    where = f"in the manifest, {brief(table.relation)}"
    if not RELATION.fullmatch(table.relation):
        raise Misshapen(f"{where} is not a table with its schema")
    if not HEX.fullmatch(table.sha256):
        raise Misshapen(f"{where} has no SHA-256")
    if not NUMBER.fullmatch(table.fingerprint):
        raise Misshapen(f"{where} has no fingerprint")
    if not table.key or not set(table.key) <= set(table.columns):
        raise Misshapen(f"{where} has no key among its columns")
    if other := [name for name in table.needs if name not in names]:
        raise Misshapen(f"{where} needs rows of {brief(other[0])}, which is not in the archive")


def _is(asked: Callable[[], bool]) -> bool:
    try:
        return asked()
    except ValueError:
        return False


def _refuse_other_members(pack: zipfile.ZipFile, manifest: Manifest) -> None:
    """Raise Misshapen unless the members are those that the manifest names, each once and of a size to be read."""
    infos, wanted = pack.infolist(), {MANIFEST, *(table.member for table in manifest.tables)}
    seen = set[str]()
    for info in infos:
        if info.filename not in wanted:
            raise Misshapen(f"its member {brief(info.filename)} is not one of the manifest's tables")
        if info.filename in seen:
            raise Misshapen(f"its member {brief(info.filename)} is there twice")
        seen.add(info.filename)
        _refuse_info(info)
    if lacking := sorted(wanted - seen):
        raise Misshapen(f"its member {brief(lacking[0])} is missing")
    if sum(info.file_size for info in infos) > ALL:
        raise Misshapen(f"it would have more than {ALL >> 30} GiB unpacked")


def _refuse_info(info: zipfile.ZipInfo) -> None:
    what = f"its member {brief(info.filename)}"
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        raise Misshapen(f"{what} is a link, a folder or a device, not a file")
    if info.flag_bits & ENCRYPTED or info.compress_type not in PACKED:
        raise Misshapen(f"{what} is encrypted, or packed in a way that an export never is")
    if info.file_size > MEMBER:
        raise Misshapen(f"{what} would have more than {MEMBER >> 30} GiB unpacked")


def _compare(pack: zipfile.ZipFile, table: Table) -> None:
    digest, rows = hashlib.sha256(), 0
    for line in _lines(pack, table):
        digest.update(line)
        rows += 1
        if rows > table.rows:
            break
    if (digest.hexdigest(), rows) != (table.sha256, table.rows):
        raise Misshapen(f"{brief(sql.shown(table.relation))} is not what the manifest says: it was altered")


def _lines(pack: zipfile.ZipFile, table: Table) -> Iterator[bytes]:
    """Raises Misshapen at a line that is longer than a row may be, before it is in memory."""
    with pack.open(table.member) as member, io.BufferedReader(member, BLOCK) as reader:  # type: ignore[type-var]
        while line := reader.readline(LINE + 1):
            if len(line) > LINE:
                raise Misshapen(f"a row of {brief(sql.shown(table.relation))} has more than {LINE >> 20} MiB")
            yield line
