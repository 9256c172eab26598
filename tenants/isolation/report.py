"""What an attack run found: one line for each attempt, and the document that faces show."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

HELD, LEAK, NOT_TRIED = "held", "LEAK", "not tried"
EVERYBODY = "everybody"


@dataclass(frozen=True)
class Attempt:
    """One attack: who tried what on whose row, where (a table or an endpoint), and how it went."""

    attacker: str
    victim: str
    where: str
    what: str
    verb: str
    outcome: str
    detail: str = ""


@dataclass
class Report:
    """The attempts, what was left out and why, what tenants cannot see that they should, where the fence is open."""

    attempts: list[Attempt] = field(default_factory=list)
    not_tried: list[dict[str, str]] = field(default_factory=list)
    hidden: list[dict[str, str]] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def leave_out(self, what: str, why: str) -> None:
        """Something was not tried; it is never counted as held."""
        if {"what": what, "why": why} not in self.not_tried:
            self.not_tried.append({"what": what, "why": why})

    @property
    def leaks(self) -> list[Attempt]:
        return [attempt for attempt in self.attempts if attempt.outcome == LEAK]

    @property
    def holds(self) -> bool:
        """Whether nothing leaked, nothing is hidden from its owner, and no table is open."""
        return bool(self.attempts) and not (self.leaks or self.hidden or self.open)

    def merge(self, other: "Report") -> None:
        self.attempts += other.attempts
        self.hidden += other.hidden
        self.open += other.open
        self.seconds += other.seconds
        for left_out in other.not_tried:
            self.leave_out(left_out["what"], left_out["why"])

    def document(self) -> dict[str, Any]:
        return {
            "holds": self.holds,
            "leaks": len(self.leaks),
            "attacks": sum(attempt.outcome != NOT_TRIED for attempt in self.attempts),
            "not_tried": self.not_tried,
            "hidden": self.hidden,
            "open": self.open,
            "matrix": [asdict(attempt) for attempt in self.attempts],
            "seconds": round(self.seconds, 2),
        }


def problems(report: Report) -> Iterable[tuple[str, str]]:
    """(table, message) of everything that keeps the fence from being proven."""
    for attempt in report.leaks:
        detail = f": {attempt.detail}" if attempt.detail else ""
        yield attempt.what, f"{attempt.attacker} reached {attempt.victim} by {attempt.verb}{detail}"
    for lost in report.hidden:
        yield lost["what"], f"{lost['attacker']} {lost['detail']}"
