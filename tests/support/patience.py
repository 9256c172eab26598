"""How long a test waits for what is promised in seconds.

A promise is of a machine that has a core to spare. Where more processes want to run than there are cores, each gets its
share of them, and what takes a second takes as many times as long.
"""

import os
import time
from collections.abc import Callable


def seconds(promised: float) -> float:
    """As many seconds as were promised, times how many processes want each core."""
    return promised * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def wait(promised: float) -> None:
    """Until a promised time has passed."""
    time.sleep(seconds(promised))


def until(so: Callable[[], object], what: str, promised: float) -> None:
    """Ask until it is so; the last question begins within the time.

    Raises:
        AssertionError: It was not so in time; says what was waited for.
    """
    limit = seconds(promised)
    deadline = time.monotonic() + limit
    while not so():
        assert time.monotonic() < deadline, f"not within {limit:.1f} s: {what}"
        time.sleep(0.02)
