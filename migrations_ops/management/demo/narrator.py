"""Commands of ours as parts of a story: a log keeps all that they say, the terminal shows the lines that tell it."""

import os
import re
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import TextIO

from django.conf import settings
from django.core.management.base import CommandError
from rich.console import Console

PATIENCE = 10  # seconds for a command that was interrupted to end what it is doing
LAST_LINES = 20
WIDTH = 100
HEADLINE = re.compile(r"\d{3}_\w+  [A-Z]")


def log_file() -> Path:
    return Path(settings.LOG_DIR) / "demo.log"


class Narrator:
    """Runs commands with one environment. Ctrl-C reaches this process alone, so that one of them speaks about it."""

    def __init__(self, console: Console, log: TextIO, environment: Mapping[str, str]) -> None:
        self.console, self.log = console, log
        self.environment = {**environment, "PYTHONUNBUFFERED": "1", "COLUMNS": str(WIDTH)}
        self.does = ""

    def run(self, *arguments: str, shows: str = "") -> None:
        """Carry it out and show the lines that match. Raises CommandError with its last lines where it fails."""
        self.does = f"./manage.py {' '.join(arguments)}"
        self.log.write(f"$ {self.does}\n")
        wanted, last = re.compile(shows) if shows else None, deque[str](maxlen=LAST_LINES)
        process = subprocess.Popen(
            [sys.executable, settings.BASE_DIR / "manage.py", *arguments], env=self.environment, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        assert process.stdout
        try:
            if wanted:
                self.console.print(f"[dim]$ {self.does}[/]")
            for line in process.stdout:
                self.log.write(line)
                last.append(line)
                if wanted and wanted.search(line):
                    self.console.print(line.rstrip(), style="bold" if HEADLINE.match(line) else None, markup=False)
            code = process.wait()
        finally:
            _end(process)
        if code:
            self.console.print("".join(last), markup=False, end="")
            raise CommandError(f"{self.does} did not succeed; all that it said is in {log_file()}", returncode=code)


def _end(process: "subprocess.Popen[str]") -> None:
    """Nothing of it stays behind, however we leave: asked first, as by Ctrl-C, so that it leaves things in order."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        try:
            process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
