"""Carry out an Assign: batches in physical order, then sweeps until a fresh look finds nothing left to decide.

Each batch is one transaction that holds the rows, their ledger entries, the proof, the counters and the cursor.
"""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass

from psycopg import errors as pg
from psycopg.sql import Composable

from migrations_ops.engine import locks, proof, sql
from migrations_ops.engine.errors import ContentChanged, NothingSticks
from migrations_ops.engine.pace import TIMEOUT_SECONDS, Pace
from migrations_ops.engine.session import QUERIES, Session
from migrations_ops.engine.steps import Assign
from migrations_ops.engine.tracking import StepRecord

ROWS_PER_BATCH = 5_000  # the first one; the pace says how many the others have
PAGES_PER_BATCH = 100  # where the table was never analysed
SWEEP_PAGES = 500
SWEEPS_WITHOUT_EFFECT = 5


@dataclass(frozen=True)
class Watch:
    """What the loop reports to and asks: progress, waits, and whether to stop."""

    batch_done: Callable[[int, int, int], None]
    waiting: Callable[[str], None]
    check_stop: Callable[[], None]


class Assignment:
    """An Assign made ready for this database: its statements composed with the table's own columns and key."""

    def __init__(self, session: Session, step: Assign) -> None:
        self.session, self.step = session, step
        relation = step.table.relation
        self.redecided = sql.compose(
            QUERIES["is_redecided"], name=sql.literal(relation), key=sql.key_text("t", step.table.key)
        )
        self.digest = hashlib.sha256(step.verdict.as_bytes(session.connection)).hexdigest()
        columns = {column.name: column for column in session.columns(relation)}
        self.targets = [columns[name] for name in step.columns]
        self.content = [column for name, column in columns.items() if name not in step.columns]

    def parts(self) -> dict[str, Composable]:
        """What every statement about this step's candidates is composed of."""
        step = self.step
        candidates = [step.open, self.redecided] + ([step.also] if step.also is not None else [])
        return {
            "verdict": step.verdict,
            "open": sql.join([step.open, self.redecided], " OR "),
            "candidates": sql.join([sql.compose("({c})", c=c) for c in candidates], " OR "),
            "differs": sql.join(
                [sql.column("t", c.name) + sql.raw(" IS DISTINCT FROM ") + sql.typed("v", c) for c in self.targets],
                " OR ",
            ),
        }

    def batch_statement(self, leaf: str) -> Composable:
        step, content = self.step, self.content
        return sql.compose(
            QUERIES["assign_batch"],
            relation=sql.relation(leaf),
            assignments=sql.join([sql.ident(c.name) + sql.raw(" = ") + sql.typed("v", c) for c in self.targets]),
            key=sql.key_text("t", step.table.key),
            before=sql.jsonb_of("b", step.columns),
            after=sql.jsonb_of("t", step.columns),
            hash_before=sql.row_hash("b", content),
            hash_after=sql.row_hash("t", content),
            is_foreign=proof.is_foreign("b", "vital_version"),
            **self.parts(),
        )

    def anything_left(self, phase: str) -> bool:
        """Whether a row is left that the verdict can decide, or rows stand by rules that have changed. Read-only."""
        changed = {
            "relation": self.step.table.relation,
            "phase": phase,
            "step": self.step.name,
            "digest": self.digest,
        }
        if self.session.named("decided_by_other_rules", changed)[0][0]:
            return True
        parts = self.parts()
        return any(
            self.session.named("anything_undecided", None, relation=sql.relation(leaf), **parts)[0][0]
            for leaf, _, _ in self.session.leaves(self.step.table.relation)
        )


def run(session: Session, step: Assign, record: StepRecord, watch: Watch) -> None:
    """Decide every row of the step's table that its verdict knows. Continues at the record's cursor."""
    work = Assignment(session, step)
    facts = {
        "run": record.run,
        "phase": record.phase,
        "step": step.name,
        "digest": work.digest,
        "relation": step.table.relation,
    }
    if record.cursor is None:
        _open_again(session, record, facts)
    leaves = session.leaves(step.table.relation)
    total = sum(pages for _, pages, _ in leaves) or 1
    before = 0
    for leaf, pages, rows in leaves:
        pace = Pace(ROWS_PER_BATCH * pages // rows if rows else PAGES_PER_BATCH)
        while (first := record.start_of(leaf)) < pages:
            watch.check_stop()
            _paced(work, leaf, first, min(first + pace.pages, pages), record, facts, watch, pace)
            watch.batch_done(before + record.start_of(leaf), total, record.rows_changed)
        _sweep(work, leaf, record, facts, watch)
        before += pages
    with session.work():
        session.named("close_again", facts)


def _open_again(session: Session, record: StepRecord, facts: sql.Params) -> None:
    with session.work():
        if session.named("decided_by_other_rules", facts)[0][0]:
            session.named("open_again", facts)
        record.move({}, 0, 0, 0)
    record.committed()


def _paced(
    work: Assignment, leaf: str, first: int, last: int, record: StepRecord, facts: sql.Params, watch: Watch, pace: Pace
) -> None:
    """One batch, whose time says how many pages the next one takes. One that takes too long leaves nothing behind."""
    started = time.monotonic()
    try:
        _batch(work, leaf, first, last, record, facts, watch)
    except pg.QueryCanceled:
        if not pace.halve():
            raise
        watch.waiting(f"{leaf} takes longer than {TIMEOUT_SECONDS} s for a batch: {pace.pages} pages at a time now")
        return
    pace.took(last - first, time.monotonic() - started)


def _sweep(work: Assignment, leaf: str, record: StepRecord, facts: sql.Params, watch: Watch) -> None:
    """Rows written behind the cursor, or skipped as somebody was changing them: until none is left."""
    query = sql.compose(QUERIES["undecided_ranges"], relation=sql.relation(leaf), **work.parts())
    idle, changed = 0, record.rows_changed

    def look() -> list[tuple[int]]:
        with work.session.work():
            return work.session.execute(query, {"pages": SWEEP_PAGES})

    while pages := locks.retried(work.session, (leaf,), look, watch.waiting):
        idle, changed = (0 if record.rows_changed > changed else idle + 1), record.rows_changed
        if idle > SWEEPS_WITHOUT_EFFECT:
            raise NothingSticks(relation=leaf, columns=", ".join(work.step.columns))
        for (page,) in pages:
            watch.check_stop()
            _batch(work, leaf, page, page + 1, record, facts, watch)


def _batch(
    work: Assignment, leaf: str, first: int, last: int, record: StepRecord, facts: sql.Params, watch: Watch
) -> None:
    session, statement = work.session, work.batch_statement(leaf)
    params = facts | {"first": f"({first},0)", "last": f"({last},0)"}

    def transaction() -> None:
        with session.work(statement_timeout=f"{TIMEOUT_SECONDS}s"):
            seen, changed, same, foreign, refused = session.execute(statement, params)[0]
            if not same:
                raise ContentChanged(relation=leaf, columns=", ".join(work.step.columns))
            if refused:
                raise NothingSticks(relation=leaf, columns=", ".join(work.step.columns))
            record.move(record.cursor_at(leaf, last), seen, changed, foreign)

    locks.retried(session, (leaf,), transaction, watch.waiting)
    record.committed()
