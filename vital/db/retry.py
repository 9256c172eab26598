"""Take locks briefly, and retry exactly the error that says a lock was not to be had in time."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from vital.db.session import RETRYABLE, Session
from vital.errors import LockNotGranted

ATTEMPTS = 40
LONGEST_PAUSE = 4.0

T = TypeVar("T")


def retried(
    session: Session,
    relations: tuple[str, ...],
    work: Callable[[], T],
    waiting: Callable[[str], None],
    attempts: int = ATTEMPTS,
) -> T:
    """The result of `work`, tried again with growing, jittered pauses while a lock is not granted in time.

    Behind a waiting ALTER TABLE every reader queues up, so each attempt waits for the lock timeout only and then makes
    room. Raises LockNotGranted with the holders after the last attempt.
    """
    wanted = ", ".join(relations) or "a table"
    for attempt in range(1, attempts + 1):
        try:
            return work()
        except RETRYABLE as error:
            holders = session.lock_holders(relations)
            if attempt == attempts:
                raise LockNotGranted(relation=wanted, attempts=attempts, blockers=holders) from error
            waiting(f"a lock on {wanted}, held by {holders}")
            time.sleep(min(LONGEST_PAUSE, 0.05 * 2**attempt) * random.uniform(0.5, 1.0))  # noqa: S311  # jitter
    raise AssertionError("unreachable")
