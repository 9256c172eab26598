"""In how many passes the pages of a batch are gone through, so that most updates touch no index.

An update is HOT where no indexed column changes and its page has room (PostgreSQL, "Heap-Only Tuples"). A full page has
none. So the first pass takes every k-th row of each page, which moves elsewhere; the next one finds the room that these
rows have left, once their old versions can be pruned: no transaction that is older may be running. Several batches'
pages are gone through in the first pass before the second one begins, so that the batches of workers beside this one
have ended by then. More passes move fewer rows, and read each page more often: nine are about as fast as six or twelve
(bench/backfill).
"""

from collections.abc import Iterator
from dataclasses import dataclass

MOST = 9
SMALLEST = 100  # pages: a smaller table is through in a batch, and its indexes are small
UNKNOWN = 4  # rows of a page, where the table was never analysed
BATCHES = 3  # whose pages are gone through together
HELPS = 0.3  # of the later passes' rows, that have to stay in their page
PAUSE = 8  # page ranges that are gone through once, until more is tried again


@dataclass(frozen=True)
class Pass:
    """Every `of`-th row of each page, counted from `number` on."""

    number: int = 0
    of: int = 1

    @property
    def is_last(self) -> bool:
        return self.number == self.of - 1


WHOLE = Pass()


class Passes:
    """Those of one table, of so many pages and rows. One is enough for a small one, and where an index holds a column
    that changes."""

    def __init__(self, pages: int, rows: int, *, indexed: bool) -> None:
        per_page = rows // pages if pages and rows else UNKNOWN
        self.most = 1 if indexed or pages < SMALLEST else max(1, min(MOST, per_page))
        self._pause = 0
        self._later = self._stayed = 0

    def over_next_pages(self) -> Iterator[Pass]:
        """The passes over the pages that come next: a single one for a while where more have not helped, as an older
        transaction holds the dead versions."""
        if self._pause:
            self._pause -= 1
            yield WHOLE
            return
        self._later = self._stayed = 0
        yield from (Pass(number, self.most) for number in range(self.most))
        if self._later and self._stayed < HELPS * self._later:
            self._pause = PAUSE

    def saw(self, number: int, changed: int, stayed: int) -> None:
        """A batch of the pass with this number has changed so many rows, of which some stayed in their page."""
        if number:
            self._later += changed
            self._stayed += stayed
