"""Processes that use an embedded PostgreSQL in a folder of the test's own, and what the server's files say."""

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.support import patience
from tests.support.paths import ROOT
from vital.db import embedded

IS_ROOT = os.geteuid() == 0
MEMORY = Path("/dev/shm")
SPACE = str(MEMORY) if MEMORY.exists() and shutil.disk_usage(MEMORY).free > 2**30 else "/tmp"  # many small files
USER_SCRIPT = """
import sys
from pathlib import Path
from vital.db.embedded import ensure_running
server = ensure_running(Path(sys.argv[1]), durable=False)
print(server.owner_url, flush=True)
sys.stdin.readline()
"""


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that everybody may pass through (pytest's own are closed to the system user)."""
    path = Path(tempfile.mkdtemp(prefix="vital-test-", dir=SPACE))
    path.chmod(0o755)
    yield path
    for home in list(embedded._holds):
        if home.is_relative_to(path):
            embedded._release(home)
    shutil.rmtree(path)


class Process:
    """Another Python process that uses the server of `home` until `quit`."""

    def __init__(self, home: Path, script: str = USER_SCRIPT) -> None:
        self.popen = subprocess.Popen(
            [sys.executable, "-c", script, str(home)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
            env=os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}, start_new_session=True,
        )  # fmt: skip

    def line(self) -> str:
        assert self.popen.stdout
        return self.popen.stdout.readline().strip()

    def quit(self) -> int:
        self.popen.communicate("\n", timeout=30)
        return self.popen.returncode

    def kill(self, number: int = signal.SIGKILL) -> None:
        os.killpg(self.popen.pid, number)
        self.popen.communicate(timeout=30)


def postmaster(home: Path) -> int:
    return int((home / "data" / "postmaster.pid").read_text().split()[0])


def is_free(home: Path) -> bool:
    """Whether no process of the server lives."""
    with embedded._opened(home / "server.lock") as lock:
        return embedded._try_lock(lock)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + patience.seconds(10)
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def query(url: str, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)
