"""Every way a run may go from one status to another; all others are refused."""

from typing import Any

from psycopg.types.json import Jsonb

from migrations_ops.engine.session import Session
from migrations_ops.models import Run

S = Run.Status
ARROWS: dict[tuple[str | None, str], str] = {
    (None, S.RUNNING): "A run is opened and starts at once.",
    (S.RUNNING, S.COMPLETED): "Every phase that was asked for is done.",
    (S.RUNNING, S.FAILED): "A check or a step failed; nothing of that step was kept.",
    (S.RUNNING, S.PAUSED): "It was asked to pause, Ctrl-C was pressed, or it goes phase by phase.",
    (S.RUNNING, S.CANCELLED): "It was cancelled between two batches.",
    (S.RUNNING, S.RUNNING): "Its process died, the lock is free again, and another one takes it over.",
    (S.PAUSED, S.RUNNING): "It is resumed.",
    (S.PAUSED, S.CANCELLED): "It is cancelled; what it did stays and can be undone.",
    (S.FAILED, S.RUNNING): "The cause was corrected and it is resumed.",
    (S.FAILED, S.CANCELLED): "It is cancelled, or another run takes its place.",
}


class NotAllowed(Exception):
    """There is no such arrow."""


def check(before: str | None, after: str) -> None:
    """Raise NotAllowed unless a run may go from the one status to the other."""
    if (before, after) not in ARROWS:
        allowed = ", ".join(sorted(str(to) for start, to in ARROWS if start == before)) or "nowhere"
        raise NotAllowed(f"A run that is {before or 'new'} cannot become {after}; from there it goes to: {allowed}.")


def move(session: Session, run_id: int, before: str, after: str, error: dict[str, Any] | None = None) -> None:
    """The run goes from the one status to the other, with the error that it has failed with."""
    check(before, after)
    facts = {"id": run_id, "before": before, "after": after, "error": Jsonb(error) if error else None}
    session.named("move_run", facts)


def status_of(session: Session, run_id: int) -> str:
    return str(session.named("status_of_run", {"id": run_id})[0][0])
