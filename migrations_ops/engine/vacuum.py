"""VACUUM between groups of batches, so that new row versions find the room of old ones and the table hardly grows.

Line pointers and index entries are left to the last one, which cleans them all in one pass over the indexes: a pass for
every group would cost more than the backfill. What frees the room in the heap is the pruning, and that is cheap.
"""

from collections.abc import Callable

from migrations_ops.engine.passes import UNKNOWN
from migrations_ops.engine.session import QUERIES, Session
from vital.db import sql

SMALLEST = 2_000  # pages: below 16 MB nobody notices


class Cleaner:
    """Counts the dead rows that batches have left in one table, and cleans up behind them."""

    def __init__(self, session: Session, leaf: str, pages: int, rows: int, chunk: Callable[[], float | None]) -> None:
        self.session, self.leaf, self.pages, self.chunk = session, leaf, pages, chunk
        self._per_row = pages / rows if rows else 1 / UNKNOWN
        self._since = 0.0

    def left_dead(self, rows: int) -> None:
        """So many rows have left their page; once that is a group of batches, their room is made usable again."""
        self._since += rows * self._per_row
        chunk = self.chunk()
        if chunk is not None and self._since >= max(SMALLEST, self.pages * chunk / 100):
            self._vacuum("vacuum_heap")
            self._since = 0.0

    def finish(self) -> None:
        """Clean the indexes as well, once all rows are through."""
        if self.chunk() is not None and self.pages >= SMALLEST:
            self._vacuum("vacuum_all")

    def _vacuum(self, name: str) -> None:
        self.session.execute(sql.compose(QUERIES[name], relation=sql.relation(self.leaf)))
