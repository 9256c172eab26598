"""Ask a Check, keep what it found as findings, and say PASS, WARN or FAIL."""

from collections.abc import Callable, Iterable

from psycopg.sql import Composable

from migrations_ops.engine import locks
from migrations_ops.engine.progress import Outcome
from migrations_ops.engine.session import Session
from migrations_ops.engine.steps import Check, Problem, Severity
from migrations_ops.engine.tracking import StepRecord

KEPT = 10_000  # findings stored per check; all are counted
SHOWN = 100


def ask(session: Session, check: Check, waiting: Callable[[str], None] = lambda why: None) -> list[Problem]:
    """Every problem the check finds. Read-only."""

    def question() -> list[Problem]:
        if isinstance(check.question, Composable):
            # Gates ask about the role itself and read no rows; everything else reads what the operator sees.
            with session.work(as_operator=not check.gate):
                return [Problem(*(str(part or "") for part in row[:3])) for row in session.execute(check.question)]
        return list(check.question(session))

    return locks.retried(session, (check.relation,) if check.relation else (), question, waiting)


def outcome_of(check: Check, problems: list[Problem]) -> Outcome:
    if not problems:
        return Outcome("PASS")
    status = "FAIL" if check.severity is Severity.FAIL else "WARN"
    shown = [_line(problem) for problem in problems[:SHOWN]]
    if len(problems) > SHOWN:
        shown.append(f"… and {len(problems) - SHOWN:,} more: manage.py migrate_tenants status")
    return Outcome(status, findings=len(problems), messages=shown)


def _line(problem: Problem) -> str:
    where = " ".join(part for part in (problem.relation.removeprefix("public."), problem.key) if part)
    return f"{where}: {problem.message}" if where else problem.message


def keep(session: Session, check: Check, record: StepRecord, problems: Iterable[Problem]) -> None:
    """Replace the check's findings by these, in one transaction."""
    with session.work(as_operator=False):
        session.named("forget_findings", {"check": check.name})
        for _, problem in zip(range(KEPT), problems, strict=False):
            session.named(
                "note_finding",
                {
                    "phase": record.phase,
                    "check": check.name,
                    "severity": check.severity.value,
                    "relation": problem.relation,
                    "key": problem.key,
                    "message": problem.message,
                    "run": record.run,
                },
            )
