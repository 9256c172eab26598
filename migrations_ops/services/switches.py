"""Limits of a run at work, and the fence opened and closed."""

from collections.abc import Callable
from typing import Any

from migrations_ops import audit, fence, tuning
from migrations_ops.engine.progress import Listener
from migrations_ops.phases.row_level_security import KEY as CLOSES
from migrations_ops.services.database import bring_up_to_date, current_plan, me, open_session
from migrations_ops.services.runs import By, Request, Result, run


def tune(changes: dict[str, str]) -> dict[str, Any]:
    """Set limits (an empty value: the default again), also of a run at work; see `tuning.show`."""
    if changes:
        tuning.check(changes)
        bring_up_to_date()
    with open_session(read_only=not changes) as session:
        tuning.change(session, changes, me())
        return tuning.show(session)


def disarm(reason: str, waiting: Callable[[str], None]) -> list[str]:
    """Open the fence for all but tenants, and write down who did and why; returns the tables. See `fence.disarm`."""
    if not reason.strip():
        raise fence.NoReason
    plan = current_plan()
    with open_session() as session, session.run_lock():
        if not session.named("is_set_up")[0][0]:
            raise fence.NeverClosed
        bring_up_to_date()
        return fence.disarm(session, plan, me(), reason, waiting)


def rearm(reason: str, listener: Listener) -> Result:
    """Carry out 006 again, which closes what is open and ends with the attack run. Raises NoReason, NeverClosed."""
    if not reason.strip():
        raise fence.NoReason
    with open_session() as session:
        if not session.named("is_set_up")[0][0]:
            raise fence.NeverClosed
        tables = list(fence.closed_tables(session, current_plan()))
        audit.note(session, me(), "rearm", reason, {"tables": tables})
    return run(Request(only=CLOSES), listener, By(reason=reason))
