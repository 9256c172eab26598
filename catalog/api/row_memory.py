"""The JSON of rows, remembered by version (VITAL_ROW_MEMORY_MB): which rows a page has is asked anew each time.

A version (row_version in rows.sql) names one state of one row: what is remembered under it is never out of date. Nor is
it anybody's: who may see the row is what the policies say when they are asked for the versions that a page has.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from threading import Lock
from time import monotonic

from django.conf import settings

SECONDS = 60  # a type's labels may be renamed, which no version tells
BESIDE = 300  # bytes that an entry takes beside its version and JSON

Rows = Mapping[bytes, bytes]  # a version → the row's JSON


class RowMemory:
    """Rows up to so many bytes; the one that came first goes first, and all of them go after a minute."""

    def __init__(self, most: int, clock: Callable[[], float] = monotonic) -> None:
        self._most, self._clock = most, clock
        self._lock = Lock()
        self._forget()

    def __bool__(self) -> bool:
        """Whether it remembers at all."""
        return self._most > 0

    def __len__(self) -> int:
        return len(self._rows)

    def recall(self, versions: Sequence[bytes], read: Callable[[Iterable[bytes]], Rows]) -> Rows | None:
        """The rows with these versions; `read` those that are unknown. None where one of them is gone by then."""
        with self._lock:
            if self._clock() >= self._until:
                self._forget()
            known = {version: self._rows[version] for version in versions if version in self._rows}
        unknown = set(versions) - known.keys()
        if not unknown:
            return known
        fresh = read(unknown)
        self._put(fresh)
        return {**known, **fresh} if unknown <= fresh.keys() else None

    def _put(self, fresh: Rows) -> None:
        with self._lock:
            for version, row in fresh.items():
                if version not in self._rows:
                    self._rows[version] = row
                    self._bytes += _size(version, row)
            while self._bytes > self._most:
                self._bytes -= _size(*self._rows.popitem(last=False))

    def _forget(self) -> None:
        self._rows: OrderedDict[bytes, bytes] = OrderedDict()
        self._bytes = 0
        self._until = self._clock() + SECONDS


def _size(version: bytes, row: bytes) -> int:
    return len(version) + len(row) + BESIDE


ROWS = RowMemory(settings.ROW_MEMORY_MB * 1_000_000)
