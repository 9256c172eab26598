"""A backup, taken by pg_dump in the snapshot in which the rows were counted."""

import re
import signal
import subprocess
import time
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from migrations_ops.backup import manifest as files
from migrations_ops.backup.manifest import Manifest
from migrations_ops.backup.pg_dump import Client, but, client
from migrations_ops.backup.scratch_database import Target
from migrations_ops.backup.table_contents import QUERIES, contents, left_to_others, snapshot
from migrations_ops.engine.session import Session
from vital.db import sql
from vital.errors import EngineError

Say = Callable[[str], None]
AT_TABLE = re.compile(r'^pg_dump: dumping contents of table "(?P<table>.*)"')
OPTIONS = ("--format=custom", "--verbose", "--no-password", "--lock-wait-timeout=60000")
EVERY = 5  # seconds
FULL = ("No space left on device", "File too large", "Disk quota exceeded")


class NotWritten(EngineError):
    """The backup cannot be written to {file}: {reason}. Nothing of it is kept, and the database is as it was. Make
    room, or name a file on another disk, in a folder that you may write to."""


class NotDumped(EngineError):
    """pg_dump could not read the database: {reason}. Nothing of the backup is kept, and the database is as it was."""


def take(source: Session, target: Target, file: Path, by: str, schemas: Collection[str], say: Say) -> Manifest:
    """Write the backup and its manifest, or nothing; of what is this role's, and of these schemas in any case.

    Raises FileIsThere, RowsHidden, NotReadable, NoClient, NotWritten, NotDumped.
    """
    files.refuse_another(file)
    programs = client(source)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with snapshot(source) as seen, files.written(file) as part:
            manifest, is_isolated = _manifest(source, programs, by, left_to_others(source, schemas))
            say(f"Backup: {manifest.rows:,} rows in {len(manifest.tables):,} tables, by {manifest.client}")
            # While isolation is on, policies count for owners, too; that they show every row is proven above.
            row_security = ("--enable-row-security",) if is_isolated else ()
            rows = {relation: content.rows for relation, content in manifest.tables.items()}
            options = (*OPTIONS, *row_security, *but(manifest.left), f"--snapshot={seen}")
            _dump(programs, target, file, part, options, rows, say)
            manifest = replace(manifest, bytes=part.stat().st_size, sha256=files.digest_of(part))
            files.write(file, manifest)
    except OSError as error:
        raise NotWritten(file=file, reason=error.strerror) from error
    return manifest


def _manifest(source: Session, programs: Client, by: str, left: dict[str, str]) -> tuple[Manifest, bool]:
    tables, is_isolated = contents(source, left)
    database, server, _ = source.execute(QUERIES["about_the_server"])[0]
    manifest = Manifest(
        database=database,
        server=server,
        client=programs.version,
        taken_at=datetime.now(UTC).isoformat(timespec="seconds"),
        taken_by=by,
        tables=tables,
        roles=dict(source.execute(QUERIES["roles_in_use"], {"left": list(left)})),
        privileges=[(grantee, privilege) for grantee, privilege in source.execute(QUERIES["privileges_on_database"])],
        left=left,
    )
    return manifest, is_isolated


def _dump(
    programs: Client, target: Target, file: Path, part: Path, options: tuple[str, ...], rows: dict[str, int], say: Say
) -> None:
    """`rows` of each table, to say every few seconds how far it is."""
    said: list[str] = []
    spoken, begun, whole = time.monotonic(), 0, sum(rows.values())
    arguments = (*options, f"--file={part}")
    with programs.running("pg_dump", *arguments, target=target, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        for line in process.stderr:
            text = line.decode(errors="replace").strip()
            if (found := AT_TABLE.match(text)) and rows.get(found["table"]):
                if time.monotonic() - spoken > EVERY:
                    spoken, done = time.monotonic(), f"{begun:,} of {whole:,} rows"
                    say(f"{sql.shown(found['table'])}: {done}, {part.stat().st_size / 1e6:,.1f} MB written")
                begun += rows[found["table"]]
            said = [*said[-20:], text]
        code = process.wait()
    if code == -signal.SIGXFSZ or (code and any(words in line for line in said for words in FULL)):
        raise NotWritten(file=file, reason="there is no room for it")
    if code:
        errors = [line for line in said if "error:" in line] or said[-1:]
        raise NotDumped(reason=re.sub(r"^pg_dump: (error: )?", "", errors[0]) if errors else f"it ended with {code}")
