"""Maintenance: while it is on, the API reads and does not write. Switched by a person, or by a run for itself."""

from typing import Any

from migrations_ops import audit
from migrations_ops.audit import QUERIES
from migrations_ops.engine import sql
from migrations_ops.engine.session import Session

SETTLES = 1.0  # seconds until every process of the service knows
Document = dict[str, Any]


def state(session: Session) -> Document:
    """`on`, and since when, by whom, why, for which run."""
    found = session.execute(sql.compose(QUERIES["maintenance"]))
    if not found:
        return {"on": False}
    since, by, reason, run = found[0]
    return {"on": True, "since": since.isoformat(timespec="seconds"), "by": by, "reason": reason, "run": run}


def switch_on(session: Session, who: str, reason: str, run: int | None = None) -> bool:
    """Whether it was off, and is on now; audited."""
    with session.connection.transaction():
        changed = session.execute(sql.compose(QUERIES["maintenance_on"]), {"who": who, "reason": reason, "run": run})
        if changed:
            audit.note(session, who, "maintenance on", reason, {"run": run})
    return bool(changed)


def switch_off(session: Session, who: str, reason: str, run: int | None = None) -> bool:
    """Whether it was on, for this run where one is named, and is off now; audited."""
    with session.connection.transaction():
        changed = session.execute(sql.compose(QUERIES["maintenance_off"]), {"run": run})
        if changed:
            audit.note(session, who, "maintenance off", reason, {"run": run})
    return bool(changed)
