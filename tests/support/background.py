"""./manage.py in the background, while the test watches it or interferes."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from tests.support import patience
from tests.support.databases import Scratch, rows
from tests.support.paths import ROOT


class BackgroundCommand:
    """The process and its output so far."""

    def __init__(self, process: "subprocess.Popen[str]", output: IO[str]) -> None:
        self.process, self._output = process, output

    @property
    def said(self) -> str:
        return Path(self._output.name).read_text(encoding="utf-8")

    def until(self, done: Callable[[], object], seconds: float = 30) -> None:
        """Waits for a condition; fails if the process ends first, or it takes too long."""
        deadline = time.monotonic() + patience.seconds(seconds)
        while not done():
            assert self.process.poll() is None, f"it ended with {self.process.returncode}: {self.said}"
            assert time.monotonic() < deadline, f"waited for {seconds} s: {self.said}"
            time.sleep(0.02)

    def until_said(self, text: str, seconds: float = 30) -> None:
        self.until(lambda: text in self.said, seconds)

    def ends_with(self, code: int, seconds: float = 180) -> str:
        """Waits for the end; returns the output."""
        assert self.process.wait(seconds) == code, self.said
        return self.said

    def kill(self) -> None:
        """kill -9; does nothing if the process has ended."""
        self.process.kill()
        self.process.wait()


@contextmanager
def start(database: Scratch, *arguments: str) -> Iterator[BackgroundCommand]:
    """Starts ./manage.py as the owner, both outputs into one; kills it at the end if it still runs."""
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "output").open("w+", encoding="utf-8") as output:
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "manage.py"), *arguments],
            env=os.environ | {"DATABASE_URL": database.owner_url, "PYTHONUNBUFFERED": "1"},
            cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        running = BackgroundCommand(process, output)
        try:
            yield running
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
                process.wait()


def monitor_polled(scratch: Scratch) -> Callable[[], bool]:
    """Whether a monitor has polled again: each poll opens connections, beside the monitor's own two."""
    seen: set[int] = set()

    def another() -> bool:
        found = (
            "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'vital %@%' AND datname = current_database()"
        )
        seen.update(pid for (pid,) in rows(scratch.admin_url, found))
        return len(seen) > 3

    return another
