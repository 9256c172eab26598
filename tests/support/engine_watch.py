"""The engine's watch for tests that call it directly."""

import pytest

from migrations_ops.engine.session import Session
from migrations_ops.engine.step_context import Watch
from migrations_ops.engine.throttle import Throttle


def quiet(session: Session) -> Watch:
    """Reports nothing, stops nothing; waiting for anything but the server's own vacuum fails the test."""
    return Watch(lambda *_: None, only_for_autovacuum, lambda: None, Throttle(session))


def only_for_autovacuum(why: str) -> None:
    """What waiting is for, by its report; empty at its end."""
    if why and not why.startswith("autovacuum"):
        pytest.fail(f"waits: {why}")
