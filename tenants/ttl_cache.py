"""What is remembered between requests: for half a second, so that every change shows within one."""

from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

from cachetools import TTLCache

SECONDS = 0.5
V = TypeVar("V")


class Memory(Generic[V]):
    """Values by key, forgotten after half a second. A key must hold everything that the value depends on."""

    def __init__(self, entries: int, seconds: float = SECONDS) -> None:
        self._values: TTLCache[Hashable, V] = TTLCache(entries, seconds)
        self._lock = Lock()

    def get(self, key: Hashable) -> V | None:
        with self._lock:
            return self._values.get(key)

    def put(self, key: Hashable, value: V) -> V:
        with self._lock:
            self._values[key] = value
        return value

    def recall(self, key: Hashable, make: Callable[[], V]) -> V:
        """The value remembered, or a fresh one. Made outside the lock: nobody waits for another's question."""
        found = self.get(key)
        return self.put(key, make()) if found is None else found

    def forget(self) -> None:
        with self._lock:
            self._values.clear()
