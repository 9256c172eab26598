"""What the engine works under where nobody looks on."""

import pytest

from migrations_ops.engine.session import Session
from migrations_ops.engine.step_context import Watch
from migrations_ops.engine.throttle import Throttle


def quiet(session: Session) -> Watch:
    """Nobody looks, nobody stops it, and whatever it waits for is a failure."""
    return Watch(lambda *_: None, lambda why: pytest.fail(f"waits: {why}"), lambda: None, Throttle(session))
