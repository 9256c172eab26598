"""Maintenance, switched on and off by people."""

from collections.abc import Iterator
from contextlib import contextmanager

from migrations_ops import maintenance
from migrations_ops.engine.errors import EngineError
from migrations_ops.engine.session import Session
from migrations_ops.maintenance import Document
from migrations_ops.services.database import bring_up_to_date, me, open_session


class NoReasonForMaintenance(EngineError):
    """Maintenance stops everybody's writing, and the audit keeps why. Say it: --reason "…"; nothing was changed."""

    exit_code = 2


def maintain(on: bool, reason: str, who: str = "") -> Document:
    """Switch it, and say how it is then, and whether that is a change. Raises NoReasonForMaintenance."""
    if on and not reason.strip():
        raise NoReasonForMaintenance
    with _operating() as session:
        switch = maintenance.switch_on if on else maintenance.switch_off
        changed = switch(session, who or me(), reason)
        return maintenance.state(session) | {"changed": changed}


def maintained() -> Document:
    """Whether it is on, since when, by whom and why."""
    with _operating() as session:
        return maintenance.state(session)


@contextmanager
def _operating() -> Iterator[Session]:
    """The service's login switches it as vital_operator; an owner has VITAL's tables made where there are none."""
    with open_session() as session:
        session.read_as_operator()
        if not session.named("has_maintenance")[0][0]:
            bring_up_to_date()
        yield session
