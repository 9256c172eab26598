"""A backup is two files: pg_dump's, and beside it what it holds, as FILE.json. Either is there whole or not at all."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from vital import private_files, shapes
from vital.errors import EngineError
from vital.shapes import Misshapen

MOST = 64 << 20  # bytes of a manifest


class FileIsThere(EngineError):
    """{file} is there already, and a backup never writes over another. Name a new file. Nothing was changed."""

    exit_code = 2


class NoBackup(EngineError):
    """{file} is no backup of VITAL's: {reason}. Nothing was changed. Name the file that `./manage.py backup` wrote,
    with its FILE.json beside it."""

    exit_code = 2


class BackupDamaged(EngineError):
    """{file} is not what was written: {reason}. Nothing was changed. Take another copy of the backup."""


@dataclass(frozen=True)
class Content:
    """A table's rows, and their fingerprint as text."""

    rows: int
    fingerprint: str


@dataclass(frozen=True)
class Manifest:
    """What a backup holds, by whom, when and of what it was taken; sizes in bytes."""

    database: str
    server: str
    client: str
    taken_at: str
    taken_by: str
    tables: dict[str, Content] = field(repr=False)
    roles: dict[str, str]
    privileges: list[tuple[str, str]]
    # Schemas that are not in it, with their owner: a provider's, such as Supabase's auth and storage.
    left: dict[str, str] = field(default_factory=dict)
    bytes: int = 0
    sha256: str = ""

    @property
    def rows(self) -> int:
        return sum(content.rows for content in self.tables.values())


def beside(file: Path) -> Path:
    """Where the manifest of this backup is."""
    return file.with_name(file.name + ".json")


def refuse_another(file: Path) -> None:
    """Raise FileIsThere where a backup, or half of one, has this name."""
    if file.exists() or beside(file).exists():
        raise FileIsThere(file=file)


@contextmanager
def written(file: Path) -> Iterator[Path]:
    """The file to write to, which takes its name when all went well, and leaves nothing where not."""
    try:
        with private_files.whole(file) as part:
            yield part
    except FileExistsError as error:
        raise FileIsThere(file=file) from error


def write(file: Path, manifest: Manifest) -> None:
    """The manifest beside the file."""
    text = json.dumps(asdict(manifest), indent=2, ensure_ascii=False) + "\n"
    try:
        private_files.write(beside(file), text, replace=False)
    except FileExistsError as error:
        raise FileIsThere(file=file) from error


def read(file: Path) -> Manifest:
    """The manifest of a backup that is whole. Raises NoBackup, and BackupDamaged before anything can rely on it."""
    if not file.is_file():
        raise NoBackup(file=file, reason="there is no such file")
    try:
        with beside(file).open("rb") as stream:
            text = stream.read(MOST + 1)
        if len(text) > MOST:
            raise Misshapen(f"it has more than {MOST >> 20} MiB")
        manifest: Manifest = shapes.read(Manifest, shapes.parsed(text), "the manifest")
    except FileNotFoundError as error:
        raise NoBackup(file=file, reason=f"{beside(file).name} is not beside it") from error
    except OSError as error:
        raise NoBackup(file=file, reason=f"{beside(file).name} cannot be read ({error.strerror})") from error
    except Misshapen as error:
        raise BackupDamaged(file=beside(file), reason=f"it cannot be read ({error})") from error
    if file.stat().st_size != manifest.bytes:
        raise BackupDamaged(file=file, reason=f"it has {file.stat().st_size:,} bytes and had {manifest.bytes:,}")
    if (digest := digest_of(file)) != manifest.sha256:
        raise BackupDamaged(file=file, reason=f"its SHA-256 is {digest} and was {manifest.sha256}")
    return manifest


def digest_of(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
