"""Servers and folders of the tests are removed when their process ends, even where it was killed: after Ctrl-C a worker
of pytest-xdist is. A separate process does it; it sees the end of its input when the test process is gone."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from functools import cache
from pathlib import Path
from typing import IO

STOP_SECONDS = 20


def remove_at_exit(folder: Path) -> None:
    """When this process ends, stops the server whose data is in `folder`/data, and removes the folder."""
    list_of_folders = _list()
    list_of_folders.write(f"{folder}\n")
    list_of_folders.flush()


@cache
def _list() -> IO[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", __name__],
        cwd=Path(__file__).resolve().parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,  # out of reach of the terminal's Ctrl-C
    )
    assert process.stdin
    return process.stdin


def _stop(pid_file: Path) -> None:
    """As in a crash, which is faster than a shutdown."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        pid = int(pid_file.read_text().split("\n")[0])
        os.kill(pid, signal.SIGQUIT)
        deadline = time.monotonic() + STOP_SECONDS
        while time.monotonic() < deadline:
            os.kill(pid, 0)
            time.sleep(0.05)


if __name__ == "__main__":
    for folder in [Path(line.rstrip("\n")) for line in sys.stdin]:
        _stop(folder / "data" / "postmaster.pid")
        shutil.rmtree(folder, ignore_errors=True)
