"""One demo at a time in a folder, and whatever ends it is told to it in one way."""

import fcntl
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from vital import private_files

ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # Ctrl-C, a supervisor, a terminal that is closed


class AnotherRuns(Exception):
    """Another demo runs here, as process {pid}: its database would be taken from under it. Stop it first: kill {pid}"""

    exit_code = 2

    def __init__(self, pid: str) -> None:
        super().__init__((self.__doc__ or "").format(pid=pid))


@contextmanager
def one_at_a_time(path: Path) -> Iterator[TextIO]:
    """The file that says who runs. Whoever inherits it holds it as well: see `belongs_to`. Raises AnotherRuns."""
    with private_files.log(path) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AnotherRuns(path.read_text(encoding="utf-8").strip()) from None
        belongs_to(file, os.getpid())
        yield file


def belongs_to(file: TextIO, pid: int) -> None:
    """Name the process that has to be stopped for the folder to be free again."""
    file.truncate(0)
    file.write(f"{pid}\n")
    file.flush()


@contextmanager
def interruptible() -> Iterator[None]:
    """Each of ENDS is a KeyboardInterrupt, once: the second comes while we leave, and changes nothing."""

    def stop(*_: object) -> None:
        for signum in ENDS:
            signal.signal(signum, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {signum: signal.signal(signum, stop) for signum in ENDS}
    try:
        yield
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler if signal.getsignal(signum) is stop else signal.SIG_IGN)
