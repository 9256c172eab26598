"""`run --workers N`: more processes of this command beside the run's own, once a table is worth it."""

import subprocess
import sys
from argparse import ArgumentTypeError
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from rich.console import Console

from migrations_ops.engine.progress import Outcome
from migrations_ops.engine.steps import Phase, Step
from migrations_ops.management.answers import DONE, STOPPED, USAGE, Options

PATIENCE = 30  # seconds for a helper to notice that the run is over


def count(text: str) -> int:
    """The N of --workers N."""
    if not text.isdecimal() or not 1 <= int(text) <= 32:
        raise ArgumentTypeError(f"{text!r} is not a number of processes from 1 to 32")
    return int(text)


class Helpers:
    """A listener that starts the helpers with the first table that takes more than one batch."""

    def __init__(self, count: int, options: Options) -> None:
        self.count, self.options = count, options
        self.started: list[tuple[Path, subprocess.Popen[bytes]]] = []

    def batch_done(self, step: Step, done: int, total: int, rows: int) -> None:
        if done < total and not self.started:
            self.started = [self._start(number) for number in range(2, self.count + 2)]

    def _start(self, number: int) -> tuple[Path, "subprocess.Popen[bytes]"]:
        log = Path(self.options["log_dir"]) / f"worker-{number}.log"
        command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "migrate_tenants", "work"]
        with log.open("wb") as file:
            return log, subprocess.Popen(
                [*command, "--plan", str(settings.PLAN)], stdin=subprocess.DEVNULL, stdout=file, stderr=file
            )

    def phase_started(self, phase: Phase) -> None: ...

    def step_started(self, phase: Phase, step: Step) -> None: ...

    def waiting(self, step: Step, why: str) -> None: ...

    def step_done(self, phase: Phase, step: Step, outcome: Outcome) -> None: ...

    def phase_done(self, phase: Phase, status: str, seconds: float, message: str) -> None: ...

    def said(self, text: str) -> None: ...


@contextmanager
def helped(options: Options, console: Console) -> Iterator[Helpers]:
    """Helpers leave by themselves when the run is over; one that failed is told, its work was taken over."""
    helpers = Helpers(options["workers"] - 1, options)
    try:
        yield helpers
    finally:
        for log, process in helpers.started:
            try:
                code = process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.terminate()
                code = process.wait()
            if code not in (DONE, USAGE, STOPPED):
                console.print(f"[yellow]A helper ended with {code}[/]; the others did its work. See {log}.")
