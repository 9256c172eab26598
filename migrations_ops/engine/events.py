"""What the engine tells whoever watches, and how far, how fast, how long still."""

from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Protocol

from migrations_ops.engine.steps import Phase, Step


@dataclass
class Outcome:
    """What a step came to. `status` is PASS, WARN or FAIL for checks, done, already or later for the others."""

    status: str
    rows_seen: int = 0
    rows_changed: int = 0
    findings: int = 0
    seconds: float = 0.0
    longest_lock: float = 0.0
    messages: list[str] = field(default_factory=list)
    facts: Any = None


class Listener(Protocol):
    """A face that shows a run: the terminal, a log file, both."""

    def phase_started(self, phase: Phase) -> None: ...

    def step_started(self, phase: Phase, step: Step) -> None: ...

    def batch_done(self, step: Step, done: int, total: int, rows: int) -> None: ...

    def waiting(self, step: Step, why: str) -> None: ...

    def step_done(self, phase: Phase, step: Step, outcome: Outcome) -> None: ...

    def phase_done(self, phase: Phase, status: str, seconds: float, message: str) -> None: ...

    def said(self, text: str) -> None:
        """What happens beside the phases: a backup, a hook."""


class Listeners:
    """Several listeners as one."""

    def __init__(self, *listeners: Listener) -> None:
        self.listeners = listeners

    def phase_started(self, phase: Phase) -> None:
        for listener in self.listeners:
            listener.phase_started(phase)

    def step_started(self, phase: Phase, step: Step) -> None:
        for listener in self.listeners:
            listener.step_started(phase, step)

    def batch_done(self, step: Step, done: int, total: int, rows: int) -> None:
        for listener in self.listeners:
            listener.batch_done(step, done, total, rows)

    def waiting(self, step: Step, why: str) -> None:
        for listener in self.listeners:
            listener.waiting(step, why)

    def step_done(self, phase: Phase, step: Step, outcome: Outcome) -> None:
        for listener in self.listeners:
            listener.step_done(phase, step, outcome)

    def phase_done(self, phase: Phase, status: str, seconds: float, message: str) -> None:
        for listener in self.listeners:
            listener.phase_done(phase, status, seconds, message)

    def said(self, text: str) -> None:
        for listener in self.listeners:
            listener.said(text)


class Clock:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self.started = monotonic()

    @property
    def seconds(self) -> float:
        return round(monotonic() - self.started, 3)
