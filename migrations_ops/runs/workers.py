"""Help a run that another process carries out: its tables are worked on in shares, and each worker takes free ones."""

import time
from collections.abc import Callable, Sequence
from functools import partial

from migrations_ops.engine import backfill
from migrations_ops.engine.events import Listener
from migrations_ops.engine.executor import Executor
from migrations_ops.engine.session import Session
from migrations_ops.engine.steps import Assign, Phase
from migrations_ops.engine.tracking import StepRecord
from migrations_ops.runs import transitions
from migrations_ops.runs.queries import unfinished
from vital.errors import EngineError, Stopped

LOOK_AGAIN = 0.2  # seconds, while the run is at something that cannot be shared


class NothingToHelp(EngineError):
    """No run is active in this database, so nothing to help with. Start one: `./manage.py migrate_tenants`."""

    exit_code = 2


class OtherPlan(EngineError):
    """Run {run} was opened with another plan than this one, so its rows are not decided here. Give the same --plan."""

    exit_code = 2


def help_along(session: Session, phases_of: Callable[[str], Sequence[Phase]], digest: str, listener: Listener) -> int:
    """Take shares of the active run's steps until the run is over; returns its id. Raises NothingToHelp, OtherPlan."""
    run, scope = _active(session, digest)
    phases = phases_of(scope)
    with session.worker_lock():
        check_stop = partial(_still_wanted, session, run)
        executor = Executor(session, run, listener, check_stop)
        try:
            while True:
                check_stop()
                if not _one_step(session, run, phases, executor):
                    time.sleep(LOOK_AGAIN)
        except Stopped:
            return run


def _active(session: Session, digest: str) -> tuple[int, str]:
    """The run at work and its scope."""
    run = unfinished(session)
    if run is None or run.status != transitions.S.RUNNING or session.run_lock_is_free():
        raise NothingToHelp
    if run.digest != digest:
        raise OtherPlan(run=run.id)
    return run.id, run.scope


def _still_wanted(session: Session, run: int) -> None:
    """Raises Stopped once the run is stopped, over, or nobody carries it out."""
    found = session.named("wants_help", {"id": run})
    if not found[0][0] or session.run_lock_is_free():
        raise Stopped(what="pause")


def _one_step(session: Session, run: int, phases: Sequence[Phase], executor: Executor) -> bool:
    """Help with the step that is at work; False where there is none to share."""
    for *row, phase, name in session.named("step_at_work", {"run": run}):
        step = next(step for each in phases if each.key == phase for step in each.steps if step.name == name)
        assert isinstance(step, Assign)
        record = StepRecord(session, run, phase, name, tuple(row))
        return backfill.help_along(session, step, record, executor.watch(step))
    return False
