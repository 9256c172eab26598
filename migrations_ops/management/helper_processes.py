"""`run --workers N`: more processes of this command beside the run's own, once a table is worth it."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from rich.console import Console

from migrations_ops.engine.events import Outcome
from migrations_ops.engine.steps import Phase, Step
from migrations_ops.rules import service as rules
from vital import private_files
from vital.cli.exit_codes import DONE, STOPPED, USAGE

PATIENCE = 30  # seconds for a helper to notice that the run is over


class HelperStarter:
    """A listener that starts so many helpers, by their numbers, with the first table that takes more than one batch."""

    def __init__(self, count: int, start: Callable[[int], object]) -> None:
        self.numbers, self._start = range(2, count + 2), start
        self.started: list[object] = []

    def batch_done(self, step: Step, done: int, total: int, rows: int) -> None:
        if done < total and not self.started:
            self.started = [self._start(number) for number in self.numbers]

    def phase_started(self, phase: Phase) -> None: ...

    def step_started(self, phase: Phase, step: Step) -> None: ...

    def waiting(self, step: Step, why: str) -> None: ...

    def step_done(self, phase: Phase, step: Step, outcome: Outcome) -> None: ...

    def phase_done(self, phase: Phase, status: str, seconds: float, message: str) -> None: ...

    def said(self, text: str) -> None: ...


@contextmanager
def helped(count: int, log_dir: Path, console: Console) -> Iterator[HelperStarter]:
    """So many processes help. They leave by themselves when the run is over; one that failed is told, its work was
    taken over."""
    started: list[tuple[Path, subprocess.Popen[bytes]]] = []
    try:
        yield HelperStarter(count, lambda number: started.append(_process(log_dir / f"worker-{number}.log")))
    finally:
        for log, process in started:
            try:
                code = process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.terminate()
                code = process.wait()
            if code not in (DONE, USAGE, STOPPED):
                console.print(f"[yellow]A helper ended with {code}[/]; the others did its work. See {log}.")


def _process(log: Path) -> tuple[Path, "subprocess.Popen[bytes]"]:
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "migrate_tenants", "work"]
    with private_files.process_log(log, again=True) as file:
        return log, subprocess.Popen(
            [*command, *rules.named_plan()], stdin=subprocess.DEVNULL, stdout=file, stderr=file
        )
