"""How a run looks on a terminal: a line a phase, below it what failed, and at the end what to look at."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from migrations_ops.engine.events import Listener, Listeners, Outcome
from migrations_ops.engine.steps import Check, Phase, Severity, Step
from migrations_ops.management.output.elements import need_a_decision
from migrations_ops.runs.service import LogFiles, rows_of
from vital.cli.base_command import Options
from vital.counts import counted

STYLES = {"PASS": "green", "WARN": "yellow", "FAIL": "bold red", "done": "green", "later": "yellow", "already": "dim"}
STATES = {"completed": "green", "rolled_back": "green", "failed": "bold red"}
NAME, STATE = 22, 10  # columns of a phase's line
SHOWN, SHOWN_OF_FAILURES = 5, 25  # lines of a check, where all steps are shown or it failed
SHOWN_OF_WARNINGS = 3
DETAILED = 2  # from this verbosity on every step has a line


@contextmanager
def listeners(options: Options, console: Console, *others: Listener) -> Iterator[Listeners]:
    """Who hears of a run that is carried out here: the terminal, the logs, and these."""
    with shown_on(console, detailed=options["verbosity"] >= DETAILED) as terminal:
        yield Listeners(terminal, LogFiles(Path(options["log_dir"])), *others)


@contextmanager
def shown_on(console: Console, *, detailed: bool = False) -> Iterator["Terminal"]:
    """Shows a run as it goes. Its warnings come last, however it ends."""
    terminal = Terminal(console, detailed=detailed)
    try:
        yield terminal
    finally:
        terminal.close()


class Terminal:
    """A line for each phase, a bar while rows are assigned; `detailed`: a line for each step that says something."""

    def __init__(self, console: Console, *, detailed: bool = False) -> None:
        self.console, self.detailed = console, detailed
        self.progress: Progress | None = None
        self.warnings: dict[str, tuple[Step, Outcome]] = {}  # by name: a later phase may ask again
        self._begin()

    def _begin(self) -> None:
        self.counts: dict[str, int] = {}
        self.rows, self.undecided, self.warned = 0, 0, 0
        self.failures: list[tuple[Step, Outcome]] = []

    def phase_started(self, phase: Phase) -> None:
        self._begin()
        if self.detailed:
            self.console.print(f"\n[bold]{phase.key}[/]  {phase.title}", highlight=False)

    def step_started(self, phase: Phase, step: Step) -> None:
        pass

    def batch_done(self, step: Step, done: int, total: int, rows: int) -> None:
        if self.progress is None and done < total and self.console.is_terminal:  # else it leaves empty lines
            bar = (TextColumn("  {task.description}"), BarColumn(30), MofNCompleteColumn(), TextColumn("pages,"))
            speed = (TextColumn("{task.fields[rows]}"), TimeRemainingColumn())
            self.progress = Progress(*bar, *speed, console=self.console, transient=True)
            self.progress.start()
            self.progress.add_task(step.name, total=total, rows="")
        if self.progress is not None:
            task = self.progress.tasks[0]
            rate = f", {rows / task.elapsed:,.0f}/s" if task.elapsed else ""
            self.progress.update(task.id, completed=done, rows=f"{counted(rows, 'row')}{rate},")

    def waiting(self, step: Step, why: str) -> None:
        self.console.print(f"  [yellow]waits[/]    {step.name}: {why}", highlight=False)

    def step_done(self, phase: Phase, step: Step, outcome: Outcome) -> None:
        self._end_of_bar()
        self.counts[outcome.status] = self.counts.get(outcome.status, 0) + 1
        self.rows += outcome.rows_changed
        needs_decision = isinstance(step, Check) and step.severity is Severity.REVIEW and bool(outcome.findings)
        if needs_decision:
            self.undecided += outcome.findings
        elif outcome.status == "WARN":
            self.warned += 1
        if self.detailed:
            self._step(step, outcome, needs_decision=needs_decision)
        elif outcome.status == "FAIL":
            self.failures.append((step, outcome))
        elif outcome.status == "WARN" and not needs_decision:
            self.warnings[step.name] = (step, outcome)

    def _step(self, step: Step, outcome: Outcome, *, needs_decision: bool) -> None:
        if outcome.status in ("PASS", "already"):
            return
        lines = 0 if needs_decision else SHOWN_OF_FAILURES if outcome.status == "FAIL" else SHOWN
        self._shown(step, outcome, lines)
        if needs_decision:
            self.console.print(Text("             decide them: ./manage.py migrate_tenants findings", "dim"))

    def _shown(self, step: Step, outcome: Outcome, lines: int) -> None:
        line = Text("  ").append(f"{outcome.status:<8}", STYLES.get(outcome.status, "")).append(" " + step.name)
        self.console.print(line.append(rows_of(outcome), "dim"))
        for message in outcome.messages[:lines]:
            self.console.print(Text(f"             {message}", "dim"))
        if lines and len(outcome.messages) > lines:
            self.console.print(Text(f"             … and {outcome.findings - lines:,} more, in the log", "dim"))

    def phase_done(self, phase: Phase, status: str, seconds: float, message: str) -> None:
        self._end_of_bar()
        state = Text(f"{status.replace('_', ' '):<{STATE}}", STATES.get(status, "yellow"))
        took = f" {seconds:>8,.1f} s " if seconds else " " * 11
        line = Text("  " if self.detailed else f"{phase.key:<{NAME}} ").append(state).append(took)
        self.console.print(line.append(f" {', '.join(self._summary())}".rstrip(), "dim"), highlight=False)
        for step, outcome in self.failures:
            self._shown(step, outcome, SHOWN_OF_FAILURES)

    def _summary(self) -> Iterator[str]:
        """What the phase came to, in a few words."""
        of = self.counts.get
        changes, checks = of("done", 0), of("PASS", 0) + of("WARN", 0) + of("FAIL", 0)
        if self.rows:
            yield f"{counted(self.rows, 'row')} changed"
        elif changes:
            yield counted(changes, "change")
        if checks:
            yield f"{counted(checks, 'check')}{self._of_checks()}"
        if later := of("later", 0):
            yield f"{counted(later, 'step')} deferred until every row has a tenant"
        if self.undecided:
            yield need_a_decision(self.undecided)

    def _of_checks(self) -> str:
        """How many of the checks found something; rows to decide are counted by themselves."""
        words = [f"{failed:,} failed"] if (failed := self.counts.get("FAIL", 0)) else []
        words += [counted(self.warned, "warning")] if self.warned else []
        return f" ({', '.join(words)})" if words else ""

    def close(self) -> None:
        """What to look at: each warning, and what it says first."""
        self._end_of_bar()
        if not self.warnings:
            return
        self.console.print(f"\n{counted(len(self.warnings), 'warning')}", style="bold", highlight=False)
        for step, outcome in self.warnings.values():
            self._warning(step.name, outcome)
        self.warnings = {}

    def _warning(self, name: str, outcome: Outcome) -> None:
        """A sentence where one thing was found; a check of one table has the table in what it says."""
        first, several = outcome.messages[0], outcome.findings > 1
        found = f"{outcome.findings:,} {name}" if several else first if ": " in name else f"{name}: {first}"
        self.console.print(Text("  ").append("WARN  ", STYLES["WARN"]).append(found))
        for message in outcome.messages[:SHOWN_OF_WARNINGS] if several else ():
            self.console.print(Text(f"          {message}", "dim"))
        if several and outcome.findings > SHOWN_OF_WARNINGS:
            self.console.print(
                Text(f"          … and {outcome.findings - SHOWN_OF_WARNINGS:,} more, in the log", "dim")
            )

    def said(self, text: str) -> None:
        self.console.print(Text(f"  {text}", "dim"))

    def _end_of_bar(self) -> None:
        if self.progress is not None:
            self.progress.stop()
            self.progress = None
