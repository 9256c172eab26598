"""Counts that all processes of the service share: in Redis where there is one, else in a file of a fixed size.

The database keeps none: who guesses must not make it write.
"""

import fcntl
import hashlib
import logging
import mmap
import os
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from django.conf import settings
from django.core.cache import cache
from redis.exceptions import RedisError

SLOTS = 65_536
SLOT = struct.Struct("<II")  # the window that it counts, and the count
SIZE = SLOTS * SLOT.size
log = logging.getLogger("vital.api")


class Counts:
    """Counts by name, each within a window of so many seconds.

    Two names may share a slot, by chance and by nobody's choice: where a name goes depends on the service's secret.
    """

    def __init__(self, file: Path | None, seconds: int) -> None:
        self.seconds = seconds
        self._descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600) if file else -1
        if file:
            os.ftruncate(self._descriptor, SIZE)
        self._slots = mmap.mmap(self._descriptor, SIZE)
        self._lock = Lock()

    def add(self, name: str, number: int = 1) -> int:
        """Count, and return what it comes to. Without Redis, whom all machines ask, this machine counts alone."""
        key = self._key(name)
        if settings.REDIS_URL:
            try:
                cache.add(key, 0, timeout=2 * self.seconds)
                return int(cache.incr(key, number))
            except (RedisError, ValueError) as error:
                log.warning("failed logins are counted on this machine alone: %s", error)
        place = int(key.rpartition(":")[2], 16) % SLOTS * SLOT.size
        with self._lock, self.alone(place):
            window, count = SLOT.unpack_from(self._slots, place)
            now = self._window()
            count = max(0, (count if window == now else 0) + number)
            SLOT.pack_into(self._slots, place, now, min(count, 2**32 - 1))
        return count

    def left(self) -> int:
        """The seconds until it begins at 0 again."""
        return self.seconds - int(time.time()) % self.seconds

    @contextmanager
    def alone(self, place: int) -> Iterator[None]:
        """No other process does this meanwhile."""
        if self._descriptor >= 0:
            fcntl.lockf(self._descriptor, fcntl.LOCK_EX, 1, place)
        try:
            yield
        finally:
            if self._descriptor >= 0:
                fcntl.lockf(self._descriptor, fcntl.LOCK_UN, 1, place)

    def _window(self) -> int:
        return int(time.time()) // self.seconds

    def _key(self, name: str) -> str:
        secret = hashlib.sha256(settings.SECRET_KEY.encode()).digest()
        digest = hashlib.blake2b(name.encode("utf-8", "surrogateescape"), key=secret, digest_size=16).hexdigest()
        return f"vital:failed:{self._window()}:{digest}"
