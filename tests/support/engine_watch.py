"""The engine's watch for tests that call it directly."""

import pytest

from migrations_ops.engine.session import Session
from migrations_ops.engine.step_context import Watch
from migrations_ops.engine.throttle import Throttle


def quiet(session: Session) -> Watch:
    """Reports nothing, stops nothing; waiting for anything fails the test."""
    return Watch(lambda *_: None, lambda why: pytest.fail(f"waits: {why}"), lambda: None, Throttle(session))
