"""A run's log files, one for each phase."""

from collections import deque
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TextIO

from migrations_ops.engine.events import Outcome
from migrations_ops.engine.steps import Phase, Step
from vital import private_files

SLACK = timedelta(seconds=5)  # the database's clock and this machine's


class LogFiles:
    """One file per phase, under the names of the execution guide; written anew each time the phase is carried out."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file: TextIO | None = None

    def phase_started(self, phase: Phase) -> None:
        self.counts: dict[str, int] = {}
        self.file = private_files.log(self.folder / f"{phase.key}.log", again=True)
        self._line(f"{phase.key} ({phase.title}), {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC")

    def step_started(self, phase: Phase, step: Step) -> None:
        pass

    def batch_done(self, step: Step, done: int, total: int, rows: int) -> None:
        pass

    def waiting(self, step: Step, why: str) -> None:
        self._line(f"waits    {step.name}: {why}")

    def step_done(self, phase: Phase, step: Step, outcome: Outcome) -> None:
        self.counts[outcome.status] = self.counts.get(outcome.status, 0) + 1
        self._line(f"{outcome.status:<8} {step.name}{rows_of(outcome)}")
        for message in outcome.messages:
            # What stands in a row or a name must not pass for a failed check either.
            self._line(f"         {message.replace('FAIL', 'fail')}")

    def phase_done(self, phase: Phase, status: str, seconds: float, message: str) -> None:
        # The words are in lower case: `grep FAIL` is to find the failed checks and nothing else.
        counts = ", ".join(f"{count} {name.lower()}" for name, count in sorted(self.counts.items()))
        self._line(f"{status.replace('_', ' ')} in {seconds:,.1f} s: {counts or 'nothing'}")
        if message:
            self._line(message)
        if self.file is not None:
            self.file.close()
            self.file = None

    def said(self, text: str) -> None:
        """Between phases no file is open: a backup has its manifest, and a hook that fails is the run's error."""

    def _line(self, text: str) -> None:
        if self.file is not None:
            self.file.write(text.replace("\n", " ") + "\n")
            self.file.flush()


def log_tail(folder: Path, phase: str, since: datetime, until: datetime | None, lines: int = 200) -> list[str] | None:
    """The last lines of a phase's log, if this machine has it and it was written between the two times.

    A later run, or undo, of the phase writes its file anew.
    """
    file = folder / f"{phase}.log"
    try:
        written = datetime.fromtimestamp(file.stat().st_mtime, UTC)
        if written < since or (until and written > until + SLACK):
            return None
        with file.open(encoding="utf-8", errors="replace") as text:
            return [line.rstrip("\n") for line in deque(text, lines)]
    except OSError:
        return None


def rows_of(outcome: Outcome) -> str:
    parts = [f"{outcome.rows_changed:,} rows changed"] if outcome.rows_changed else []
    parts += [f"{outcome.findings:,} found"] if outcome.findings else []
    parts += [f"{outcome.seconds:,.1f} s"] if outcome.seconds >= 1 else []
    return f"  ({', '.join(parts)})" if parts else ""
