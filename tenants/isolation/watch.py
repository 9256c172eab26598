"""What a running service knows of isolation: it looks every few seconds, whoever asks, and not for each request."""

import logging
import time
from collections.abc import Callable
from threading import Lock

from django.db import OperationalError

from tenants import registry
from tenants.inventory import Inventory
from tenants.isolation.comparison import Ask, Standing, standing

log = logging.getLogger("vital.isolation")
LOOKED_AFTER_SECONDS = 4.0
# Beyond this a request waits for the look that is being taken: what it knows would be too old.
TOO_OLD_SECONDS = 8.0


class Watch:
    """One for a process. `carry_out` asks in a transaction of its own, as a role that sees VITAL's records."""

    def __init__(self, carry_out: Callable[[Callable[[Ask], Standing]], Standing]) -> None:
        self._carry_out = carry_out
        self._lock, self._found, self._at = Lock(), Standing(), float("-inf")

    def current(self) -> Standing:
        """As it stood at most some seconds ago. Raises what reading the plan or the database does."""
        age = time.monotonic() - self._at
        if age > LOOKED_AFTER_SECONDS and self._lock.acquire(blocking=age > TOO_OLD_SECONDS):
            try:
                if time.monotonic() - self._at > LOOKED_AFTER_SECONDS:
                    self._look()
            finally:
                self._lock.release()
        return self._found

    def forget(self) -> None:
        """The next who asks looks."""
        registry.forget()
        self._at = float("-inf")

    def _look(self) -> None:
        remembered = registry.remembered()
        found = self._compared(remembered or registry.read())
        if remembered is not None and found.dangerous:  # by a plan that may be another one by now
            found = self._compared(registry.read())
        if found.dangerous and not self._found.dangerous:
            for one in found.dangerous:
                log.error("isolation is not as it should be: %s. %s", one.seen, one.fix)
        elif self._found.dangerous and not found.dangerous:
            log.warning("isolation is as it should be again")
        self._found, self._at = found, time.monotonic()

    def _compared(self, plan: Inventory) -> Standing:
        """A table that somebody keeps locked cannot be looked at: what is known of it stands until it can."""
        try:
            return self._carry_out(lambda ask: standing(ask, plan, serving=True))
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", None) not in ("55P03", "57014"):
                raise
            log.warning("isolation cannot be looked at just now: %s", error)
            return self._found
