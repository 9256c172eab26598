"""What an undo of everything would come to, as it was last counted: to count it anew takes too long for a status.

All processes share it where there is a Redis; without one it is known to the process alone that counted it.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.cache import cache

from migrations_ops.engine.session import Session
from migrations_ops.runs.queries import ask

FATES = ("restored", "removed", "kept", "gone")
KEPT_SECONDS = 7 * 86_400
log = logging.getLogger("vital.migrations")


def remember(session: Session, found: dict[str, Any] | None, refused: int | None = None) -> None:
    """`found` has the rows by fate and table, and is None where nothing is left to undo; `refused` are the things that
    forbid it, None where that was not asked."""
    if found is not None:
        sums = {fate: sum(found[fate].values()) for fate in FATES}
        found = {"counted_at": time.time(), **sums, "estimated": bool(found["sampled"]), "refused": refused}
    with _as_far_as_it_answers():
        if found is None:
            cache.delete(_key(session))
        else:
            cache.set(_key(session), found, KEPT_SECONDS)


def last(session: Session) -> dict[str, Any] | None:
    """`restored`, `removed`, `kept` (changed since) and `gone` rows, whether they are `estimated`, how many things
    forbade the undo (`refused`), and `counted_at`, in seconds since 1970."""
    found: dict[str, Any] | None = None
    with _as_far_as_it_answers():
        found = cache.get(_key(session))
    return found


@contextmanager
def _as_far_as_it_answers() -> Iterator[None]:
    """A Redis that is down forgets, and hinders nobody."""
    if not settings.REDIS_URL:
        yield
        return
    from redis.exceptions import RedisError  # slow to import, and of no use without one

    try:
        yield
    except RedisError as error:
        log.warning("what an undo would come to cannot be remembered: %s", error)


def _key(session: Session) -> str:
    return f"vital-undo-{ask(session, 'oid_of_database')[0][0]}"
