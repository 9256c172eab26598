"""Ask a Check, keep what it found as findings, and say PASS, WARN or FAIL."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from psycopg.sql import Composable

from migrations_ops.engine.events import Outcome
from migrations_ops.engine.session import Session
from migrations_ops.engine.steps import Check, Severity
from migrations_ops.engine.tracking import StepRecord
from vital.db import retry, sql
from vital.errors import Problem

KEPT = 10_000  # findings stored per check; all are counted
SHOWN = 100


@dataclass
class Found:
    """What a check found: all of it is counted, the first ones are here."""

    count: int = 0
    problems: list[Problem] = field(default_factory=list)

    def __bool__(self) -> bool:
        return self.count > 0


def every(session: Session, check: Check) -> Iterator[Problem]:
    """Every problem the check finds, one after the other. Read-only."""
    if not isinstance(check.question, Composable):
        yield from check.question(session)
        return
    # Gates ask about the role itself and read no rows; everything else reads what the operator sees.
    with session.work(as_operator=not check.gate):
        for row in session.stream(check.question) if check.kind else session.execute(check.question):
            yield Problem(*(str(part or "") for part in row[:3]))


def ask(session: Session, check: Check, waiting: Callable[[str], None] = lambda why: None) -> Found:
    """What the check finds. Read-only."""

    def question() -> Found:
        found = Found()
        for problem in every(session, check):
            found.count += 1
            if found.count <= KEPT:
                found.problems.append(problem)
        return found

    return retry.retried(session, (check.relation,) if check.relation else (), question, waiting)


def outcome_of(check: Check, found: Found) -> Outcome:
    facts = check.facts() if check.facts else None
    if not found:
        return Outcome("PASS", facts=facts)
    status = "FAIL" if check.severity is Severity.FAIL else "WARN"
    shown = [_line(problem) for problem in found.problems[:SHOWN]]
    if found.count > SHOWN:
        shown.append(f"… and {found.count - SHOWN:,} more: ./manage.py migrate_tenants findings")
    return Outcome(status, findings=found.count, messages=shown, facts=facts)


def _line(problem: Problem) -> str:
    where = " ".join(part for part in (sql.shown(problem.relation), problem.key) if part)
    return f"{where}: {problem.message}" if where else problem.message


def keep(session: Session, check: Check, record: StepRecord, problems: list[Problem]) -> None:
    """Replace the check's findings by these, in one transaction."""
    if not problems:
        session.named("forget_findings", {"check": check.name})
        return
    facts = {"phase": record.phase, "check": check.name, "severity": check.severity.value, "run": record.run}
    columns = {
        "relations": [problem.relation for problem in problems],
        "keys": [problem.key for problem in problems],
        "messages": [problem.message for problem in problems],
    }
    with session.work(as_operator=False):
        session.named("forget_findings", {"check": check.name})
        session.named("note_findings", facts | columns)
