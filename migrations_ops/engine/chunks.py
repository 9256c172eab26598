"""Chunks: a table's pages in ranges that several workers carry on beside each other, each by one at a time.

A chunk's cursor moves in the transaction of the batch; the advisory lock on it goes with its worker's connection. So a
killed worker's chunk is claimed by another one, exactly where its last commit left it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from migrations_ops.engine.session import Session
from vital.db.session import ADVISORY_LOCKS
from vital.errors import EngineError

MOST = 16  # of one table
SMALLEST = 1_000  # pages


class ChunkMoved(EngineError):
    """Another worker went on with a page range of {relation} that this one held: its connection must have been lost.
    The batch was rolled back and nothing was done twice. Run again; it continues."""


@dataclass
class Chunk:
    """`at` is the next page, `last` the first one that is not its own."""

    session: Session
    id: int
    leaf: str
    at: int
    last: int

    def move(self, after: int) -> None:
        """Inside the batch's transaction. Raises ChunkMoved where the chunk is not where this worker left it."""
        facts = {"id": self.id, "before": self.at, "after": after}
        if not self.session.named("move_chunk", facts):
            raise ChunkMoved(relation=self.leaf)


def create_chunks(session: Session, step_run: int, leaf: str, pages: int) -> None:
    """Divide a table into chunks, none smaller than a worker is worth."""
    size = max(SMALLEST, -(-pages // MOST))
    for first in range(0, pages, size):
        session.named(
            "create_chunk", {"step_run": step_run, "leaf": leaf, "first": first, "last": min(first + size, pages)}
        )


@contextmanager
def claim_chunk(session: Session, step_run: int) -> Iterator[Chunk | None]:
    """The first chunk that is unfinished and no worker holds; None where there is none."""
    chunk = next(_free(session, step_run), None)
    try:
        yield chunk
    finally:
        if chunk is not None and not session.connection.closed and not session.connection.broken:
            session.named("release_chunk", _lock(chunk.id))


def _free(session: Session, step_run: int) -> Iterator[Chunk]:
    for identifier, leaf, last in session.named("unfinished_chunks", {"step_run": step_run}):
        if not session.named("claim_chunk", _lock(identifier))[0][0]:
            continue
        at = session.named("place_in_chunk", {"id": identifier})[0][0]  # asked again, now that nobody else moves it
        if at < last:
            yield Chunk(session, identifier, leaf, at, last)
            return
        session.named("release_chunk", _lock(identifier))


def _lock(identifier: int) -> dict[str, int]:
    return {"space": ADVISORY_LOCKS["chunk"]["space"], "id": identifier % 2**31}


def any_left(session: Session, step_run: int) -> bool:
    return bool(session.named("unfinished_chunks", {"step_run": step_run}))


def progress(session: Session, step_run: int) -> tuple[int, int, int]:
    """(pages done, pages in all, rows changed) by all workers."""
    done, total, rows = session.named("chunk_progress", {"step_run": step_run})[0]
    return done, total, rows
