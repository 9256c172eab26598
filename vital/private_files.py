"""Files that may hold people's rows: nobody else may read them, from the moment they are there, and each is whole or
not there at all.

What is being written is called NAME.XXXXXXXX.vital.part and is locked by its writer. The system gives the lock of a
killed one back, so that the next who writes into the folder finds what was left there and removes it.
"""

import errno
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from typing import IO, TextIO

PRIVATE = 0o600
PART, FOLDER = ".vital.part", ".vital.tmp"
LONGEST = 200  # bytes of a file's name that its part's has too: 255 is what most file systems take


@contextmanager
def whole(file: Path, *, replace: bool = False) -> Iterator[Path]:
    """The part to write to, which takes the file's name once all went well; nothing is left of it where not.

    Raises FileExistsError, also where somebody else was faster, unless the file is to be replaced; and OSError.
    """
    if replace and file.exists() and not file.is_file():  # /dev/stdout, a pipe: what is there stays what it is
        yield file
        return
    if not replace and os.path.lexists(file):
        raise _is_there(file)
    file = file.resolve() if replace else file
    _sweep(file.parent, PART)
    part, held = _part(file)
    try:
        yield part
        _sync(part)
        if replace:
            part.replace(file)
        else:
            _take_name(part, file)
    finally:
        part.unlink(missing_ok=True)
        os.close(held)


@contextmanager
def lines(file: Path, *, replace: bool = False, encoding: str = "utf-8") -> Iterator[TextIO]:
    """The same as a text to write to; line ends stay as they are given."""
    with whole(file, replace=replace) as part, part.open("w", encoding=encoding, newline="") as text:
        yield text


def write(file: Path, content: str | bytes, *, replace: bool = True) -> None:
    """All of the file at once. Raises OSError."""
    with whole(file, replace=replace) as part, part.open("wb") as stream:
        stream.write(content.encode() if isinstance(content, str) else content)


def log(file: Path, *, again: bool = False) -> TextIO:
    """A log that others follow while it is written: at its end, or `again` from the start. Its folder is made."""
    return os.fdopen(_log(file, os.O_TRUNC if again else os.O_APPEND), "a", encoding="utf-8")


def process_log(file: Path, *, again: bool = False) -> IO[bytes]:
    """The same for what another process says."""
    return os.fdopen(_log(file, os.O_TRUNC if again else os.O_APPEND), "ab")


@contextmanager
def folder() -> Iterator[Path]:
    """A folder of one's own for a while. Those of killed processes are removed."""
    _sweep(Path(tempfile.gettempdir()), FOLDER)
    home, held = _home()
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)
        os.close(held)


def _home() -> tuple[Path, int]:
    """A new folder and the descriptor that holds its lock. Between the two another that sweeps may have been faster."""
    while True:
        home = Path(tempfile.mkdtemp(prefix="vital-", suffix=FOLDER))
        try:
            held = os.open(home, os.O_RDONLY | os.O_DIRECTORY)
        except FileNotFoundError:
            continue
        fcntl.flock(held, fcntl.LOCK_EX)
        if home.exists():
            return home, held
        os.close(held)


def _part(file: Path) -> tuple[Path, int]:
    """A new part and the descriptor that holds its lock. Between the two somebody who sweeps may have been faster."""
    stem = os.fsdecode(os.fsencode(file.name)[:LONGEST])
    while True:
        part = file.with_name(f"{stem}.{token_hex(4)}{PART}")
        held = os.open(part, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, PRIVATE)
        with suppress(OSError):  # a file system without locks: nothing is swept there either
            fcntl.flock(held, fcntl.LOCK_EX)
        if os.fstat(held).st_nlink:
            os.fchmod(held, PRIVATE)  # whatever the umask
            return part, held
        os.close(held)


def _take_name(part: Path, file: Path) -> None:
    """Rename would write over a file that has come meanwhile; a second name does not."""
    try:
        os.link(part, file)
    except FileExistsError:
        raise
    except OSError:  # a file system without second names
        if os.path.lexists(file):
            raise _is_there(file) from None
        part.rename(file)


def _is_there(file: Path) -> FileExistsError:
    return FileExistsError(errno.EEXIST, "it is there already", str(file))


def _sync(part: Path) -> None:
    """On the disk before it has its name, or a machine that fails would leave an empty file of that name."""
    with part.open("rb") as stream:
        os.fsync(stream.fileno())


def _log(file: Path, how: int) -> int:
    file.parent.mkdir(parents=True, exist_ok=True)
    opened = os.open(file, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC | how, PRIVATE)
    with suppress(PermissionError):  # another user's, e.g. what a supervisor has made for us
        os.fchmod(opened, PRIVATE)
    return opened


def _sweep(home: Path, suffix: str) -> None:
    """Remove what killed processes of this user have left."""
    with suppress(OSError):
        for left in [entry for entry in os.scandir(home) if entry.name.endswith(suffix)]:
            with suppress(OSError):
                _remove_left(Path(left.path), is_folder=left.is_dir(follow_symlinks=False))


def _remove_left(left: Path, *, is_folder: bool) -> None:
    held = os.open(left, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        if os.fstat(held).st_uid != os.geteuid():
            return
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)  # its writer is at work: BlockingIOError
        if is_folder:
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink()
    finally:
        os.close(held)
