"""What is written down about a phase and its steps while they run."""

from typing import Any

from psycopg.types.json import Jsonb

from migrations_ops.engine import wal
from migrations_ops.engine.progress import Clock, Outcome
from migrations_ops.engine.session import Session


class StepRecord:
    """The row of `vital.step_run` of one step: its cursor and counters.

    `move` is called inside the batch's transaction, `committed` after it, so that a batch that was rolled back leaves
    neither the row nor this object ahead of the data. The cursor maps a table to the page up to which it is done.
    """

    def __init__(self, session: Session, phase_run: int, run: int, phase: str, step: str, relation: str) -> None:
        self.session, self.run, self.phase, self.step = session, run, phase, step
        row = session.named("open_step", {"phase_run": phase_run, "step": step, "relation": relation})[0]
        self.id, self.cursor, self.rows_seen, self.rows_changed, self.status, self._earlier = row
        self._pending: tuple[dict[str, int], int, int] | None = None
        self._clock, self._wal = Clock(), wal.position(session)

    @property
    def seconds(self) -> float:
        return float(round(self._earlier + self._clock.seconds, 3))

    def start_of(self, leaf: str) -> int:
        """The page to continue at."""
        return int((self.cursor or {}).get(leaf, 0))

    def cursor_at(self, leaf: str, page: int) -> dict[str, int]:
        """The cursor with this table done up to the page; a sweep never moves it back."""
        return {**(self.cursor or {}), leaf: max(page, self.start_of(leaf))}

    def move(self, cursor: dict[str, int], seen: int, changed: int, foreign: int) -> None:
        self.session.named(
            "move_step",
            {
                "id": self.id,
                "cursor": Jsonb(cursor),
                "seen": seen,
                "changed": changed,
                "foreign": foreign,
                "seconds": self.seconds,
            },
        )
        self._pending = (cursor, seen, changed)

    def committed(self) -> None:
        if self._pending is not None:
            self.cursor = self._pending[0]
            self.rows_seen += self._pending[1]
            self.rows_changed += self._pending[2]
            self._pending = None

    def close(self, outcome: Outcome) -> None:
        """Write the step's outcome."""
        self.session.named(
            "close_step",
            {
                "id": self.id,
                "status": "failed" if outcome.status == "FAIL" else "completed",
                "outcome": outcome.status,
                "findings": outcome.findings,
                "changed": outcome.rows_changed,
                "seconds": self.seconds,
                "wal": wal.since(self.session, self._wal),
                "held": outcome.longest_lock,
            },
        )


class PhaseRecord:
    """The row of `vital.phase_run`, which `migration_tracking` shows."""

    def __init__(self, session: Session, run: int, phase: str) -> None:
        self.session, self.run, self.phase = session, run, phase
        self.id: int = session.named("open_phase", {"run": run, "phase": phase})[0][0]
        self.clock = Clock()

    def step(self, name: str, relation: str) -> StepRecord:
        return StepRecord(self.session, self.id, self.run, self.phase, name, relation)

    def close(self, status: str, error: dict[str, Any] | None = None) -> dict[str, Any]:
        """Write the status and the metrics (per table: rows, seconds, findings, WAL, longest lock); returns these."""
        params = {"id": self.id, "status": status, "error": Jsonb(error) if error else None}
        metrics: dict[str, Any] = self.session.named("close_phase", params)[0][0]
        return metrics
