"""Carry out a phase: step after step, each remembered, each safe to repeat."""

from collections.abc import Callable
from typing import Any

import psycopg

from migrations_ops.engine import backfill, baseline, checks, ddl, inserts, undo_indexes
from migrations_ops.engine.backfill_sql import Assignment
from migrations_ops.engine.events import Listener, Outcome
from migrations_ops.engine.session import Session
from migrations_ops.engine.step_context import Watch
from migrations_ops.engine.steps import Assign, Baseline, Check, Insert, Phase, Statement, Step
from migrations_ops.engine.throttle import Throttle
from migrations_ops.engine.tracking import Heartbeat, PhaseRecord, StepRecord
from vital.counts import counted
from vital.errors import ConnectionLost, EngineError, PhaseRefused, StepFailed, Stopped, UndoFailed


class Executor:
    """Runs phases on one session for one run. `check_stop` raises Stopped when somebody asked to pause or cancel."""

    def __init__(self, session: Session, run: int, listener: Listener, check_stop: Callable[[], None]) -> None:
        self.session, self.run, self.listener, self.check_stop = session, run, listener, check_stop
        self.throttle, self._heart = Throttle(session), Heartbeat(session, run)

    def carry_out(self, phase: Phase) -> dict[str, Any]:
        """Carry out a phase and return its metrics.

        Raises PhaseRefused where checks fail, StepFailed where a statement does, Stopped on request; the phase's
        record says so in each case, and nothing of the failed step is kept. ConnectionLost may come at any moment.
        """
        try:
            return self._carry_out(phase)
        except psycopg.OperationalError as error:
            if self.session.connection.broken:
                raise ConnectionLost(message=_first_line(error)) from error
            raise

    def _carry_out(self, phase: Phase) -> dict[str, Any]:
        record = PhaseRecord(self.session, self.run, phase.key)
        self.listener.phase_started(phase)
        try:
            undo_indexes.drop(self.session, self._waiting)
            self._steps(phase, record)
        except Stopped:
            self.listener.phase_done(phase, "stopped", record.clock.seconds, "")
            raise
        except EngineError as error:
            self._failed(phase, record, error)
            raise
        metrics = record.close("completed")
        with self.session.work(as_operator=False):
            summary = list(phase.summary(self.session))
        for sentence in summary:
            self.listener.said(sentence)
        self.listener.phase_done(phase, "completed", record.clock.seconds, "")
        return metrics

    def _steps(self, phase: Phase, record: PhaseRecord) -> None:
        failed = 0
        for step in phase.steps:
            if failed and not isinstance(step, Check):
                break
            self.check_stop()
            self.listener.step_started(phase, step)
            outcome = self._step(phase, step, record)
            self.listener.step_done(phase, step, outcome)
            failed += outcome.status == "FAIL"
            if failed and isinstance(step, Check) and step.gate:
                break
        if failed:
            raise PhaseRefused(phase=phase.key, failed=counted(failed, "check"), log=f"{phase.key}.log")

    def _step(self, phase: Phase, step: Step, of_phase: PhaseRecord) -> Outcome:
        try:
            record = of_phase.step(step.name, relation_of(step))
            outcome = self._act(phase, step, record)
            outcome.rows_seen, outcome.seconds = record.rows_seen, record.seconds
            record.close(outcome, of_phase.wal.since_last_look(), durable=False)
        except psycopg.OperationalError as error:
            if self.session.connection.broken:
                raise ConnectionLost(message=_first_line(error)) from error
            raise self._step_failed(phase, step, error) from error
        except psycopg.Error as error:
            raise self._step_failed(phase, step, error) from error
        return outcome

    def _act(self, phase: Phase, step: Step, record: StepRecord) -> Outcome:
        match step:
            case Check():
                found = checks.ask(self.session, step, self._waiting(step))
                checks.keep(self.session, step, record, found.problems)
                return checks.outcome_of(step, found)
            case Baseline():
                baseline.take_baseline(self.session, step.table, step.tenant_column, self._waiting(step))
                return Outcome("done")
            case Statement():
                return ddl.apply(self.session, phase.key, self.run, step, self._waiting(step))
            case Assign():
                backfill.run(self.session, step, record, self.watch(step))
            case Insert():
                inserts.run(self.session, step, record, self.watch(step))
        return Outcome("done" if record.rows_changed else "already", rows_changed=record.rows_changed)

    def watch(self, step: Step) -> Watch:
        def batch_done(done: int, total: int, rows: int) -> None:
            self._heart.beat(step.name, done, total, rows)
            self.listener.batch_done(step, done, total, rows)

        return Watch(batch_done, self._waiting(step), self.check_stop, self.throttle)

    def _waiting(self, step: Step) -> Callable[[str], None]:
        def waiting(why: str) -> None:
            self._heart.waits(step.name, why)
            if why:
                self.listener.waiting(step, why)

        return waiting

    def _step_failed(self, phase: Phase, step: Step, error: psycopg.Error) -> StepFailed:
        relation = relation_of(step)
        return StepFailed(
            phase=phase.key,
            step=step.name,
            on=f" on {relation}" if relation else "",
            relation=relation,
            message=_first_line(error),
            sqlstate=error.sqlstate or "none",
        )

    def failed_outside(self, phase: Phase, error: psycopg.Error) -> EngineError:
        """The error for a phase whose undo failed."""
        if self.session.connection.broken:
            return ConnectionLost(message=_first_line(error))
        return UndoFailed(phase=phase.key, message=_first_line(error), sqlstate=error.sqlstate or "none")

    def _failed(self, phase: Phase, record: PhaseRecord, error: EngineError) -> None:
        if not self.session.connection.closed:
            facts = {key: value for key, value in error.facts.items() if isinstance(value, str | int)}
            record.close("failed", facts | {"message": str(error)})
        self.listener.phase_done(phase, "failed", record.clock.seconds, str(error))


def has_work(session: Session, phase: Phase) -> bool:
    """Whether carrying out the phase would change anything now. Read-only.

    What the database does not let us ask counts as work: carrying it out says what is wrong, with the step's name.
    """
    try:
        with phase.one_look():
            return any(_has_work(session, phase.key, step) for step in phase.steps)
    except psycopg.Error:
        return True


def _has_work(session: Session, phase: str, step: Step) -> bool:
    match step:
        case Statement() if not ddl.is_wanted(session, step):
            return ddl.was_applied(session, phase, step)
        case Statement():
            return ddl.is_ready(session, step) and not ddl.is_there(session, step)
        case Assign():
            with session.work():
                return Assignment(session, step).anything_left(phase)
        case Insert():
            with session.work():
                return inserts.anything_left(session, step)
        case Check(news=news) if news is not None:
            with session.work():
                return bool(session.value(news))
    return False


def relation_of(step: Step) -> str:
    """The table a step is about, or an empty text."""
    return step.relation if isinstance(step, Check | Statement) else step.table.relation


def _first_line(error: psycopg.Error) -> str:
    primary = error.diag.message_primary if error.diag else None
    return primary or str(error).strip().split("\n")[0] or type(error).__name__
