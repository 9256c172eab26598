"""How a run looks on a terminal."""

from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from migrations_ops.engine.events import Listener, Listeners, Outcome
from migrations_ops.engine.steps import Check, Phase, Severity, Step
from migrations_ops.runs.service import LogFiles, rows_of
from vital.cli.base_command import Options

STYLES = {"PASS": "green", "WARN": "yellow", "FAIL": "bold red", "done": "green", "later": "yellow", "already": "dim"}
QUIET = {
    "done": "changes made",
    "already": "were there already",
    "later": "left for a later run: rows have no tenant, or somebody still writes some",
    "PASS": "checks passed",
}
SHOWN, SHOWN_OF_FAILURES = 5, 25


def listeners(options: Options, console: Console, *others: Listener) -> Listeners:
    """Who hears of a run that is carried out here: the terminal, the logs, and these."""
    return Listeners(Terminal(console), LogFiles(Path(options["log_dir"])), *others)


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
        self.console.print(line.append(rows_of(outcome), "dim"))
        if isinstance(step, Check) and step.severity is Severity.REVIEW:
            self.console.print(Text("             a person decides: ./manage.py migrate_tenants findings", "dim"))
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
