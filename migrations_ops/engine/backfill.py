"""Carry out an Assign: batches in physical order, then sweeps until a fresh look finds nothing left to decide.

Each batch is one transaction that holds the rows, their ledger entries, the proof, the counters and, in the last pass
over its pages, the chunk's place.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from psycopg import errors as pg

from migrations_ops.engine import chunks
from migrations_ops.engine.backfill_sql import Assignment
from migrations_ops.engine.batch_size import TIMEOUT_SECONDS, Pace
from migrations_ops.engine.chunks import Chunk
from migrations_ops.engine.failing_rows import REFUSED, FailingRows, is_refused_by_row
from migrations_ops.engine.passes import BATCHES, WHOLE, Pass, Passes
from migrations_ops.engine.session import Session
from migrations_ops.engine.step_context import Watch
from migrations_ops.engine.steps import Assign
from migrations_ops.engine.tracking import StepRecord
from migrations_ops.engine.vacuum import Cleaner
from vital.db import retry, sql
from vital.errors import ContentChanged, NothingSticks

ROWS_PER_BATCH = 5_000  # the first one; the pace says how many the others have
PAGES_PER_BATCH = 100  # where the table was never analysed
SWEEP_PAGES = 500
SWEEPS_WITHOUT_EFFECT = 5
ALL_PAGES = 2**31  # more than any table has
GAP = 8  # pages between two that a sweep has to go to, which are read along rather than left out
LOOK_AGAIN = 0.1  # seconds, while others are at work on the last chunks


@dataclass
class PageRange:
    """Pages of a sweep, or of a pass before the last: nobody has to know afterwards how far it came."""

    leaf: str
    at: int
    last: int

    def move(self, after: int) -> None: ...


class Worker:
    """Carries on the chunks of one step on one connection; several may do so beside each other."""

    def __init__(self, session: Session, step: Assign, record: StepRecord, watch: Watch) -> None:
        self.session, self.record, self.watch = session, record, watch
        self.work = Assignment(session, step)
        self.failing = None if step.failing is None else FailingRows(session, self.work, record, step.failing)
        self.relation = step.table.relation
        self.facts: sql.Params = {
            "run": record.run,
            "phase": record.phase,
            "step": step.name,
            "kind": step.kind,
            "digest": self.work.digest,
            "relation": self.relation,
        }
        self.leaves = {leaf: (pages, rows) for leaf, pages, rows in session.leaves(self.relation)}
        self._passes = {
            leaf: Passes(pages, rows, indexed=self.work.is_indexed(leaf)) for leaf, (pages, rows) in self.leaves.items()
        }
        self._paces = {
            leaf: Pace(self._passes[leaf].most * _first_batch(pages, rows))
            for leaf, (pages, rows) in self.leaves.items()
        }
        self._cleaners = {
            leaf: Cleaner(session, leaf, pages, rows, lambda: watch.throttle.limits.number("vacuum"))
            for leaf, (pages, rows) in self.leaves.items()
        }

    def carry_on(self) -> bool:
        """Claim one free chunk after the other and carry it to its end; False where none was free."""
        did = False
        while True:
            with chunks.claim_chunk(self.session, self.record.id) as chunk:
                if chunk is None:
                    return did
                did = True
                while chunk.at < chunk.last:
                    self._in_passes(chunk)

    def _in_passes(self, chunk: Chunk) -> None:
        """Some batches' pages, in as many passes as help. A worker that is killed before the last one leaves the chunk
        where it was: whoever carries it on passes by the rows that are decided."""
        leaf, first = chunk.leaf, chunk.at
        last = min(first + BATCHES * self._paces[leaf].pages, chunk.last)
        for each in self._passes[leaf].over_next_pages():
            pages = chunk if each.is_last else PageRange(leaf, first, last)
            while pages.at < last:
                self.watch.check_stop()
                self.watch.make_room(leaf)
                self._paced(pages, last, each)
                self.watch.batch_done(*chunks.progress(self.session, self.record.id))

    def _paced(self, pages: Chunk | PageRange, end: int, each: Pass = WHOLE) -> int:
        """One batch, whose time says how many pages the next one takes; one that takes too long leaves nothing.
        Returns how many rows were changed."""
        leaf, first = pages.leaf, pages.at
        pace, started = self._paces[leaf], time.monotonic()
        last = min(first + pace.pages, end)
        try:
            changed = self._between(leaf, f"({first},0)", f"({last},0)", lambda: pages.move(last), each)
        except pg.QueryCanceled:
            if not pace.halve():
                raise
            why = f"{leaf} takes longer than {TIMEOUT_SECONDS} s for a batch: {pace.pages} pages at a time now"
            self.watch.waiting(why)
            return 0
        except REFUSED as error:
            if self.failing is None or not is_refused_by_row(error):
                raise
            if pace.halve():
                return 0  # the page in which a row refuses is found by ever smaller batches
            last = first + 1
            changed = self._row_by_row(leaf, first, pages)
        pages.at = last
        target = self.watch.throttle.limits.number("batch")
        pace.took(last - first, time.monotonic() - started, target or TIMEOUT_SECONDS)
        return changed

    def _between(self, leaf: str, first: str, last: str, then: Callable[[], None], each: Pass = WHOLE) -> int:
        """Decide the rows from one place to another, and what follows from that, in one transaction. Returns how many
        were changed."""
        statement = self.work.batch_statement(leaf)
        params = self.facts | {"first": first, "last": last, "pass": each.number, "passes": each.of}
        columns = ", ".join(self.work.step.columns)

        def transaction() -> tuple[int, int]:
            with self.session.work(statement_timeout=f"{TIMEOUT_SECONDS}s", durable=False):
                self.session.named("batch_settings")
                self.session.as_applications()
                seen, changed, stayed, same, foreign, refused = self.session.execute(statement, params)[0]
                if not same:
                    raise ContentChanged(relation=leaf, columns=columns)
                if refused:
                    raise NothingSticks(relation=leaf, columns=columns)
                then()
                self.record.count(seen, changed, foreign)
                return changed, stayed

        changed, stayed = retry.retried(self.session, (leaf,), transaction, self.watch.waiting)
        self._passes[leaf].saw(each.number, changed, stayed)
        self._cleaners[leaf].left_dead(changed - stayed)
        return changed

    def _row_by_row(self, leaf: str, page: int, pages: Chunk | PageRange) -> int:
        """A page in which a row refuses: the others get their values. The chunk's place moves when each row is either
        decided or remembered, so that a killed worker's page is gone through again."""
        within = {"first": f"({page},0)", "last": f"({page + 1},0)"}
        with self.session.work():
            rows = self.session.execute(self.work.candidates_statement(leaf), within)
        changed = self._divided(leaf, page, rows)
        with self.session.work():
            pages.move(page + 1)
        return changed

    def _divided(self, leaf: str, page: int, rows: Sequence[tuple[int, str]]) -> int:
        """Decide these rows (place in the page, key), or each half of them where one refuses."""
        assert self.failing is not None
        if not rows:
            return 0
        (first, key), (last, _) = rows[0], rows[-1]
        try:
            return self._between(leaf, f"({page},{first})", f"({page},{last + 1})", lambda: None)
        except REFUSED as error:
            if not is_refused_by_row(error):
                raise
            if len(rows) == 1:
                self.failing.leave(key, error)
                return 0
        half = len(rows) // 2
        return self._divided(leaf, page, rows[:half]) + self._divided(leaf, page, rows[half:])

    def sweep(self, leaf: str, keys: list[str] | None = None) -> None:
        """Rows written behind the cursor, or skipped as somebody was changing them, or those of the keys: until none
        is left."""
        query = self.work.ranges_statement(leaf, by_key=keys is not None)
        idle = 0

        def look() -> list[tuple[int]]:
            with self.session.work():
                return self.session.execute(query, {"pages": SWEEP_PAGES, "keys": keys})

        while pages := retry.retried(self.session, (leaf,), look, self.watch.waiting):
            changed = 0
            for page_range in _page_ranges(leaf, pages):
                while page_range.at < page_range.last:
                    self.watch.check_stop()
                    self.watch.make_room(leaf)
                    changed += self._paced(page_range, page_range.last)
            idle = 0 if changed else idle + 1
            if idle > SWEEPS_WITHOUT_EFFECT and self.failing is not None:
                self.failing.leave_stuck(leaf)
            elif idle > SWEEPS_WITHOUT_EFFECT:
                raise NothingSticks(relation=leaf, columns=", ".join(self.work.step.columns))
        if keys is None and self.record.rows_changed and not self.work.step.goes_on:
            self._cleaners[leaf].finish()


def run(session: Session, step: Assign, record: StepRecord, watch: Watch) -> None:
    """Decide every row of the step's table that its verdict knows. Continues where its chunks are."""
    worker = Worker(session, step, record, watch)
    if worker.failing is not None:
        worker.failing.try_again()
    if not record.begun:
        _begin(worker)
    worker.carry_on()
    while chunks.any_left(session, record.id):
        watch.check_stop()
        time.sleep(LOOK_AGAIN)
        worker.carry_on()
        watch.batch_done(*chunks.progress(session, record.id))
    record.recount()
    for leaf in worker.leaves:
        worker.sweep(leaf)
    if worker.failing is not None:
        worker.failing.refuse_too_many()
    if step.only is None:  # a part of the verdicts does not say that changed rules have decided again
        with session.work():
            session.named("close_again", worker.facts)
    record.recount()


def some(session: Session, step: Assign, record: StepRecord, watch: Watch, keys: list[str]) -> None:
    """Decide these rows alone. They are found by their keys: of a big table only their pages are read."""
    worker = Worker(session, step, record, watch)
    for leaf in worker.leaves:
        worker.sweep(leaf, keys)
    record.recount()


def in_transaction(session: Session, step: Assign, record: StepRecord, keys: list[str]) -> int:
    """The same as a part of the caller's transaction. Returns how many rows were changed: fewer than the keys where a
    row is no candidate, or another session changes it just now."""
    work = Assignment(session, step)
    facts: sql.Params = {name: getattr(record, name) for name in ("run", "phase", "step")}
    facts |= {"kind": step.kind, "digest": work.digest, "relation": step.table.relation, "pass": 0, "passes": 1}
    columns, total = ", ".join(step.columns), 0
    for leaf, *_ in session.leaves(step.table.relation):
        pages = session.execute(work.ranges_statement(leaf, by_key=True), {"pages": ALL_PAGES, "keys": keys})
        for each in _page_ranges(leaf, pages):
            place = {"first": f"({each.at},0)", "last": f"({each.last},0)"}
            seen, changed, _, same, foreign, refused = session.execute(work.batch_statement(leaf), facts | place)[0]
            if not same:
                raise ContentChanged(relation=leaf, columns=columns)
            if refused:
                raise NothingSticks(relation=leaf, columns=columns)
            record.count(seen, changed, foreign)
            total += int(changed)
    return total


def help_along(session: Session, step: Assign, record: StepRecord, watch: Watch) -> bool:
    """Claim chunks of a step that another process has begun, until none is free; False where none was."""
    return Worker(session, step, record, watch).carry_on()


def _begin(worker: Worker) -> None:
    """Mark what changed rules decide again, and create the chunks."""
    session, record = worker.session, worker.record
    with session.work():
        if worker.work.step.only is None and session.named("decided_by_other_rules", worker.facts)[0][0]:
            session.named("open_again", worker.facts)
        for leaf, (pages, _) in worker.leaves.items():
            chunks.create_chunks(session, record.id, leaf, pages)
        record.begin()


def _page_ranges(leaf: str, pages: Iterable[tuple[int]]) -> Iterator[PageRange]:
    """These pages, in their order, as few ranges."""
    page_range: PageRange | None = None
    for (page,) in pages:
        if page_range is not None and page - page_range.last <= GAP:
            page_range.last = page + 1
            continue
        if page_range is not None:
            yield page_range
        page_range = PageRange(leaf, page, page + 1)
    if page_range is not None:
        yield page_range


def _first_batch(pages: int, rows: int) -> int:
    return ROWS_PER_BATCH * pages // rows if rows else PAGES_PER_BATCH
