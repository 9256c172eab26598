"""pg_restore reads, psql writes, in one transaction: all of an archive or nothing."""

import subprocess
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO

from psycopg.sql import Composable

from migrations_ops.backup.pg_dump import COMPLAINT, TOO_NEW, Client, Complained, first_line
from migrations_ops.backup.scratch_database import Target
from migrations_ops.backup.table_contents import QUERIES
from vital import private_files
from vital.db import sql

BLOCK, HEAD = 1 << 20, 4096  # bytes
# psql commits where its input ends, be it that whoever wrote there was killed: the last file demands to have heard all.
PSQL = ("--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1")
Moved = Callable[[int], None]


def pump(
    programs: Client, archive: Path, target: Target, options: tuple[str, ...], moved: Moved, before: str, after: str
) -> None:
    """Carry out `before`, the archive and `after`; `moved` is given bytes. Raises Complained with one sentence."""
    with private_files.folder() as home, tempfile.TemporaryFile() as said:
        first, last = home / "before.sql", home / "after.sql"
        private_files.write(first, before)
        private_files.write(last, f"{text('demand_whole')}\n{after}")
        reads = (*options, "--file=-", str(archive))
        writes = (*PSQL, f"--file={first}", "--file=-", f"--file={last}")
        streams = {"stdin": subprocess.PIPE, "stdout": subprocess.DEVNULL, "stderr": said}
        with (
            programs.running("pg_restore", *reads, stdout=subprocess.PIPE, stderr=said) as reader,
            programs.running("psql", *writes, target=target, **streams) as writer,
        ):
            assert reader.stdout
            assert writer.stdin
            try:
                _stream(reader.stdout, writer.stdin, moved)
                if reader.wait() == 0:
                    writer.stdin.write(text("say_whole").encode())
                writer.stdin.close()
            except BrokenPipeError:  # psql listens no more, and says why
                with suppress(BrokenPipeError):
                    writer.stdin.close()
            failed = writer.wait()
        if failed:
            said.seek(0)
            raise Complained(_blamed(said.read().decode(errors="replace")))


def text(name: str, **parts: Composable) -> str:
    """A statement of ours as a script's text."""
    return sql.text_of(sql.compose(QUERIES[name], **parts))


def _stream(out: IO[bytes], into: IO[bytes], moved: Moved) -> None:
    block = TOO_NEW.sub("", out.read(HEAD).decode("latin-1"), count=1).encode("latin-1")
    total = 0
    while block:
        into.write(block)
        into.flush()
        total += len(block)
        moved(total)
        block = out.read(BLOCK)


def _blamed(said: str) -> str:
    """Why, in one sentence: what pg_restore could not read comes before what psql then missed."""
    found = COMPLAINT.search(said)
    return found["reason"].rstrip(".") if found and "pg_restore: error:" not in said else first_line(said)
