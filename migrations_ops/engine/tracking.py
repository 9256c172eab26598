"""What is written down about a phase and its steps while they run."""

import time
from datetime import UTC, datetime
from typing import Any

from psycopg.types.json import Jsonb

from migrations_ops.engine.events import Clock, Outcome
from migrations_ops.engine.session import Session
from migrations_ops.engine.wal import Wal


class StepRecord:
    """The row of `vital.step_run` of one step: its counters, and whether its chunks are created.

    `count` is called inside the batch's transaction, so that a batch that is rolled back counts nothing; several
    workers may count in one row.
    """

    def __init__(self, session: Session, run: int, phase: str, step: str, row: tuple[Any, ...]) -> None:
        self.session, self.run, self.phase, self.step = session, run, phase, step
        self.id, self.begun, self.rows_seen, self.rows_changed, self._earlier = row
        self._clock = Clock()

    @classmethod
    def open(cls, session: Session, phase_run: int, run: int, phase: str, step: str, relation: str) -> "StepRecord":
        """A step that starts, or goes on."""
        facts = {"phase_run": phase_run, "step": step, "relation": relation}
        *row, _ = session.named("open_step", facts)[0]
        return cls(session, run, phase, step, tuple(row))

    @property
    def seconds(self) -> float:
        return float(round(self._earlier + self._clock.seconds, 3))

    def begin(self) -> None:
        """Its chunks are created; in the transaction that creates them."""
        self.session.named("begin_step", {"id": self.id})

    def count(self, seen: int, changed: int, foreign: int) -> None:
        facts = {"id": self.id, "seen": seen, "changed": changed, "foreign": foreign, "seconds": self.seconds}
        self.session.named("count_in_step", facts)

    def recount(self) -> None:
        """Take over what all workers have counted."""
        self.rows_seen, self.rows_changed = self.session.named("counters_of_step", {"id": self.id})[0]

    def close(self, outcome: Outcome, wal_bytes: int = 0, *, durable: bool = True) -> None:
        """Write the step's outcome, and how much WAL the server has written meanwhile; not `durable` where the end of
        the phase waits for the disk."""
        self.session.named(
            "close_step",
            {
                "id": self.id,
                "status": "failed" if outcome.status == "FAIL" else "completed",
                "outcome": outcome.status,
                "findings": outcome.findings,
                "changed": outcome.rows_changed,
                "seconds": self.seconds,
                "wal": wal_bytes,
                "durable": durable,
                "held": outcome.longest_lock,
                "facts": None if outcome.facts is None else Jsonb(outcome.facts),
            },
        )


class PhaseRecord:
    """The row of `vital.phase_run`, which `migration_tracking` shows."""

    def __init__(self, session: Session, run: int, phase: str) -> None:
        self.session, self.run, self.phase = session, run, phase
        self.id: int = session.named("open_phase", {"run": run, "phase": phase})[0][0]
        self.clock, self.wal = Clock(), Wal(session)

    def step(self, name: str, relation: str) -> StepRecord:
        return StepRecord.open(self.session, self.id, self.run, self.phase, name, relation)

    def close(self, status: str, error: dict[str, Any] | None = None) -> dict[str, Any]:
        """Write the status and the metrics (per table: rows, seconds, findings, WAL, longest lock); returns these."""
        params = {"id": self.id, "status": status, "error": Jsonb(error) if error else None}
        metrics: dict[str, Any] = self.session.named("close_phase", params)[0][0]
        return metrics


class Heartbeat:
    """Where a run is, how fast, and what it waits for: in `vital.run`, for whoever looks; once a second at most."""

    EVERY = 1.0  # seconds

    def __init__(self, session: Session, run: int) -> None:
        self.session, self.run = session, run
        self._step, self._clock, self._at = "", Clock(), 0.0
        self._waits_since = ""

    def beat(self, step: str, done: int, total: int, rows: int) -> None:
        """`done` of `total` units of the step are through, and `rows` were changed."""
        if step != self._step:
            self._step, self._clock = step, Clock()
        if done >= total or time.monotonic() - self._at >= self.EVERY:
            self._write({"step": step, "done": done, "total": total, "rows": rows, "seconds": self._clock.seconds})

    def waits(self, step: str, why: str) -> None:
        """Why it waits, with the moment since when; an empty text when it goes on."""
        if not why:
            self._waits_since = ""
            self._write({"step": step})
            return
        self._waits_since = self._waits_since or datetime.now(UTC).isoformat(timespec="seconds")
        self._write({"step": step, "waits_for": why, "waits_since": self._waits_since})

    def _write(self, progress: dict[str, Any]) -> None:
        self._at = time.monotonic()
        if not self.session.connection.broken and not self.session.connection.closed:
            self.session.named("note_progress", {"run": self.run, "progress": Jsonb(progress)})
