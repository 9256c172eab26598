"""Maintenance: while it is on, the API reads and does not write. Switched by a person, or by a run for itself."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tenants import audit
from tenants.audit import QUERIES
from vital.db import sql
from vital.db.own_schema import bring_up_to_date, me, opened
from vital.db.session import Session
from vital.errors import require_reason

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


def maintain(on: bool, reason: str, who: str = "") -> Document:
    """Switch it, and say how it is then, and whether that is a change. Raises ReasonRequired."""
    if on:
        require_reason(reason, "Maintenance, which stops everybody's writing,")
    with _operating() as session:
        switch = switch_on if on else switch_off
        changed = switch(session, who or me(), reason)
        return state(session) | {"changed": changed}


def maintained() -> Document:
    """Whether it is on, since when, by whom and why."""
    with _operating() as session:
        return state(session)


@contextmanager
def _operating() -> Iterator[Session]:
    """The service's login switches it as vital_operator; an owner has VITAL's tables made where there are none."""
    with opened(Session) as session:
        session.read_as_operator()
        if not session.named("has_maintenance")[0][0]:
            bring_up_to_date()
        yield session
