"""How a run looks on a terminal and in its log files."""

from collections import deque
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from migrations_ops.engine.progress import Outcome
from migrations_ops.engine.steps import Check, Phase, Severity, Step
from vital import private_files

STYLES = {"PASS": "green", "WARN": "yellow", "FAIL": "bold red", "done": "green", "later": "yellow", "already": "dim"}
QUIET = {
    "done": "changes made",
    "already": "were there already",
    "later": "left for a later run: rows have no tenant, or somebody still writes some",
    "PASS": "checks passed",
}
SHOWN, SHOWN_OF_FAILURES = 5, 25
SLACK = timedelta(seconds=5)  # the database's clock and this machine's


class Terminal:
    """Calm lines, one per step that says something, with a bar while rows are assigned."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.progress: Progress | None = None
        self.quiet: dict[str, int] = {}

    def phase_started(self, phase: Phase) -> None:
        self.quiet = {}
        self.console.print(f"\n[bold]{phase.key}[/]  {phase.title}", highlight=False)

    def step_started(self, phase: Phase, step: Step) -> None:
        pass

    def batch_done(self, step: Step, done: int, total: int, rows: int) -> None:
        if self.progress is None and done < total:
            bar = (TextColumn("  {task.description}"), BarColumn(30), MofNCompleteColumn(), TextColumn("pages,"))
            speed = (TextColumn("{task.fields[rows]}"), TimeRemainingColumn())
            self.progress = Progress(*bar, *speed, console=self.console, transient=True)
            self.progress.start()
            self.progress.add_task(step.name, total=total, rows="")
        if self.progress is not None:
            task = self.progress.tasks[0]
            rate = f", {rows / task.elapsed:,.0f}/s" if task.elapsed else ""
            self.progress.update(task.id, completed=done, rows=f"{rows:,} rows{rate},")

    def waiting(self, step: Step, why: str) -> None:
        self.console.print(f"  [yellow]waits[/]    {step.name}: {why}", highlight=False)

    def step_done(self, phase: Phase, step: Step, outcome: Outcome) -> None:
        if self.progress is not None:
            self.progress.stop()
            self.progress = None
        if outcome.status in QUIET and not outcome.rows_changed:
            self.quiet[outcome.status] = self.quiet.get(outcome.status, 0) + 1
            return
        line = Text("  ").append(f"{outcome.status:<8}", STYLES.get(outcome.status, "")).append(" " + step.name)
        self.console.print(line.append(_rows(outcome), "dim"))
        if isinstance(step, Check) and step.severity is Severity.REVIEW:
            self.console.print(Text("             a person decides: manage.py migrate_tenants findings", "dim"))
            return
        shown = SHOWN_OF_FAILURES if outcome.status == "FAIL" else SHOWN
        for message in outcome.messages[:shown]:
            self.console.print(Text(f"             {message}", "dim"))
        if len(outcome.messages) > shown:
            self.console.print(Text(f"             … and {outcome.findings - shown:,} more, in the log", "dim"))

    def phase_done(self, phase: Phase, status: str, seconds: float, message: str) -> None:
        if self.progress is not None:
            self.progress.stop()
            self.progress = None
        style = {"completed": "green", "rolled_back": "green", "failed": "bold red"}.get(status, "yellow")
        quiet = "".join(f", {self.quiet[name]} {text}" for name, text in QUIET.items() if name in self.quiet)
        took = f" in {seconds:,.1f} s" if seconds else ""
        self.console.print(Text("  ").append(status.replace("_", " "), style).append(took + quiet, "dim"))

    def said(self, text: str) -> None:
        self.console.print(Text(f"  {text}", "dim"))


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
        self._line(f"{outcome.status:<8} {step.name}{_rows(outcome)}")
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


def _rows(outcome: Outcome) -> str:
    parts = [f"{outcome.rows_changed:,} rows changed"] if outcome.rows_changed else []
    parts += [f"{outcome.findings:,} found"] if outcome.findings else []
    parts += [f"{outcome.seconds:,.1f} s"] if outcome.seconds >= 1 else []
    return f"  ({', '.join(parts)})" if parts else ""
