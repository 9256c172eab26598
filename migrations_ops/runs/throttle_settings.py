"""The limits of a run, as they are in force and as somebody sets them."""

from typing import Any

from migrations_ops.engine import throttle_limits
from migrations_ops.engine.load_signals import Signals
from migrations_ops.engine.session import Session
from migrations_ops.engine.throttle import limits_in_force
from migrations_ops.engine.throttle_limits import LIMITS, OFF
from vital.errors import EngineError


class QueryFails(EngineError):
    """The query cannot be used: {message}. Nothing was changed. It must read, and answer within {seconds} s."""

    exit_code = 2


def check(changes: dict[str, str]) -> None:
    """Raises UnknownLimit or BadLimit before anything is changed."""
    for name, value in changes.items():
        if value:
            throttle_limits.named(name).read(value)
        else:
            throttle_limits.named(name)


def change(session: Session, changes: dict[str, str], who: str) -> None:
    """All of them or none. Raises QueryFails."""
    if (query := changes.get("query")) and query != OFF:
        said = Signals(session).of_query(query) or ""
        if said.startswith(Signals.FAILED):
            raise QueryFails(message=said.removeprefix(Signals.FAILED), seconds=Signals.QUERY_SECONDS)
    with session.connection.transaction():
        for name, value in changes.items():
            session.named("tune" if value else "untune", {"name": name, "value": value, "by": who})


def show(session: Session) -> dict[str, Any]:
    """Every limit with its value, default and meaning; and the signals that this role cannot see."""
    in_force = limits_in_force(session)
    return {
        "limits": [
            {"name": limit.name, "value": in_force.text(limit.name), "default": limit.default, "means": limit.words}
            for limit in LIMITS
        ],
        "blind": [
            {"signal": unreadable.signal, "grant": unreadable.grant} for unreadable in Signals(session).unreadable()
        ],
    }
