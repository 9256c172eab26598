"""Wait for capacity: before a batch, wait while a load signal gives a reason, and say it."""

import time
from collections.abc import Callable

from migrations_ops.engine.load_signals import Signals
from migrations_ops.engine.session import Session
from migrations_ops.engine.throttle_limits import Limits

LOOK_EVERY = 1.0  # seconds between two looks at the signals and the limits
SAY_AGAIN = 30.0  # seconds after which a reason is reported once more


def limits_in_force(session: Session) -> Limits:
    """The limits as somebody has tuned them; the defaults where VITAL's own tables are not there yet."""
    return Limits(dict(session.named("tuned")) if session.named("is_set_up")[0][0] else {})


class Throttle:
    """One for a run's session. `limits` are read anew with every look, so that they can be tuned while it works."""

    def __init__(self, session: Session) -> None:
        self.session, self.signals = session, Signals(session)
        self.limits = limits_in_force(session)
        self._looked = 0.0

    def make_room(self, relation: str, waiting: Callable[[str], None], check_stop: Callable[[], None]) -> None:
        """Return once no signal says to wait; ask not more than once a second. `check_stop` is asked all the while."""
        if time.monotonic() - self._looked < LOOK_EVERY:
            return
        reported, said_at = "", 0.0
        while reason := self._look(relation):
            kind = reason.rpartition("(")[2]
            if kind != reported or time.monotonic() - said_at > SAY_AGAIN:
                waiting(reason)
                reported, said_at = kind, time.monotonic()
            check_stop()
            time.sleep(LOOK_EVERY)
        if reported:
            waiting("")

    def _look(self, relation: str) -> str | None:
        self.limits = limits_in_force(self.session)
        reason = self.signals.busy(self.limits, relation)
        self._looked = time.monotonic()
        return reason
