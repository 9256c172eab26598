"""What an attack run found: one line for each attempt, and the document that faces show."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from tenants.isolation.difference import Difference
from tenants.isolation.reachability import Reached
from tenants.isolation.unbound import Unbound

HELD, LEAK, NOT_TRIED = "held", "LEAK", "not tried"
EVERYBODY = "everybody"
ALIKE = 100  # leaks of one table and verb that are told one by one; the others are counted


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
    """The attempts, what was left out and why, what tenants cannot see that they should, where isolation is off.

    `unbound` are roles of others for which isolation is not enforced, and nobody has accepted it.

    `moved` are sequences of others that were drawn from and could not be held: nothing gives that back.

    `in_turn` counts those of tenants that were tried against one other each, by table and verb: with thousands of
    tenants a line for each would fill the memory. `scripts` has for a leak the statements that repeat it.
    """

    attempts: list[Attempt] = field(default_factory=list)
    in_turn: Counter[tuple[str, str]] = field(default_factory=Counter)
    not_tried: list[dict[str, str]] = field(default_factory=list)
    hidden: list[dict[str, str]] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    reachable: list[Reached] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    unbound: list[Unbound] = field(default_factory=list)
    not_reached: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    moved: set[str] = field(default_factory=set)
    scripts: dict[Attempt, str] = field(default_factory=dict)
    seconds: float = 0.0
    _leaks: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, attempt: Attempt, script: str = "", *, counted: bool = False) -> None:
        """Note it. One that is `counted` and held is no line of its own; neither is one of very many leaks alike."""
        key = attempt.what, attempt.verb
        self._leaks[key] += attempt.outcome == LEAK
        if (counted and attempt.outcome == HELD) or (attempt.outcome == LEAK and self._leaks[key] > ALIKE):
            self.in_turn[key] += 1
            return
        if counted and attempt.outcome == NOT_TRIED:
            return
        self.attempts.append(attempt)
        if script:
            self.scripts[attempt] = script

    def leave_out(self, what: str, why: str) -> None:
        """Something was not tried; it is never counted as held. Of one thing the first reason is told."""
        if all(left_out["what"] != what for left_out in self.not_tried):
            self.not_tried.append({"what": what, "why": why})

    @property
    def leaks(self) -> list[Attempt]:
        return [attempt for attempt in self.attempts if attempt.outcome == LEAK]

    @property
    def holds(self) -> bool:
        """Whether nothing leaked, nothing is hidden from its owner, no table is open, nothing is reached that the plan
        does not allow, and nothing dangerous differs from what the plan wants."""
        differs = any(one.dangerous for one in self.differences)
        return bool(self.attempts) and not (self.leaks or self.hidden or self.open or self.reachable or differs)

    @property
    def complete(self) -> bool:
        """Whether every tenant had its turn."""
        return not self.not_reached

    def merge(self, other: "Report") -> None:
        self.attempts += other.attempts
        self.in_turn += other.in_turn
        self.hidden += other.hidden
        self.open += other.open
        self.reachable += other.reachable
        self.differences += other.differences
        self.unbound += other.unbound
        self.not_reached += other.not_reached
        self.notes += other.notes
        self.moved |= other.moved
        self.scripts |= other.scripts
        self._leaks += other._leaks
        self.seconds += other.seconds
        for left_out in other.not_tried:
            self.leave_out(left_out["what"], left_out["why"])

    def document(self) -> dict[str, Any]:
        tried = sum(attempt.outcome != NOT_TRIED for attempt in self.attempts)
        return {
            "holds": self.holds,
            "complete": self.complete,
            "leaks": sum(self._leaks.values()),
            "attacks": tried + self.in_turn.total(),
            "not_tried": self.not_tried,
            "not_reached": self.not_reached,
            "notes": self.notes,
            "sequences_moved": sorted(self.moved),
            "hidden": self.hidden,
            "open": self.open,
            "reachable": [asdict(reached) for reached in self.reachable],
            "differences": [one.document() for one in self.differences],
            "unbound": [one.document() for one in self.unbound],
            "scripts": [asdict(attempt) | {"script": text} for attempt, text in self.scripts.items()],
            "in_turn": [{"what": what, "verb": verb, "times": n} for (what, verb), n in sorted(self.in_turn.items())],
            "matrix": [asdict(attempt) for attempt in self.attempts],
            "seconds": round(self.seconds, 2),
        }


def problems(report: Report) -> Iterable[tuple[str, str]]:
    """(table, message) of everything that keeps isolation from being proven."""
    for attempt in report.leaks:
        detail = f": {attempt.detail}" if attempt.detail else ""
        yield attempt.what, f"{attempt.attacker} reached {attempt.victim} by {attempt.verb}{detail}"
    for lost in report.hidden:
        yield lost["what"], f"{lost['attacker']} {lost['detail']}"
