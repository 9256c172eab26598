"""A run that is open goes on to its end, whoever opened it: here, or in a worker that is given nothing but its id."""

from migrations_ops.engine.events import Listener
from migrations_ops.engine.session import Session
from migrations_ops.models import Run
from migrations_ops.phase_state import DISTRIBUTION, DistributedNow, no_wait_callback, open_session
from migrations_ops.plan import phases as phases_of
from migrations_ops.rules.canary import Scope, narrowed
from migrations_ops.rules.current import plan_of_run
from migrations_ops.rules.model import Plan
from migrations_ops.runs import plan_drift
from migrations_ops.runs.queries import Unfinished, only_unfinished, unfinished
from migrations_ops.runs.runner import Actor, Result, carry_through, is_refused, left_of, reopen
from migrations_ops.runs.transitions import move
from migrations_ops.runs.undo import carry_back
from vital.errors import EngineError


def advance(run_id: int, listener: Listener) -> Result:
    """Carry an opened, resumed or abandoned run on to its end. Raises EngineError, as `run` does.

    One that somebody has paused, or that has failed, waits for a person: a task may be delivered twice, and late.
    """
    with open_session() as session, session.run_lock():
        found = unfinished(session)
        _refuse_restore(found)
        if not (found and found.id == run_id and found.status == Run.Status.RUNNING):
            raise NotToAdvance(run=run_id)
        plan = plan_of_run(session, run_id)
        try:
            plan_drift.refuse_another(session, run_id, found.digest, plan)
        except plan_drift.PlanHasChanged as error:
            move(session, run_id, found.status, Run.Status.FAILED, {"message": str(error)})
            raise
        move(session, run_id, found.status, Run.Status.RUNNING)
        return _go_on(session, plan, found, listener)


def resume(listener: Listener, actor: Actor | None = None) -> Result:
    """Carry the unfinished run, or undo, on to its end. Raises NothingToStop, PlanHasChanged, and what `run` does."""
    with open_session() as session, session.run_lock():
        found, plan = reopened(session, actor or Actor())
        return _go_on(session, plan, found, listener)


def reopened(session: Session, actor: Actor, run: int | None = None) -> tuple[Unfinished, Plan]:
    """The unfinished run, at work again by its plan. Raises NothingToStop, UnknownRun, PlanHasChanged."""
    found = only_unfinished(session, run)
    _refuse_restore(found)
    if DISTRIBUTION in found.phases:
        raise DistributedNow
    plan = plan_of_run(session, found.id)
    plan_drift.refuse_another(session, found.id, found.digest, plan)
    reopen(session, found.id, found.status, actor)
    return found, plan


def _refuse_restore(found: Unfinished | None) -> None:
    """Raise IsARestore where that is what is unfinished: it has no phases, and its backup is not known here."""
    if found and found.kind == Run.Kind.RESTORE:
        raise IsARestore(run=found.id)


class IsARestore(EngineError):
    """Run {run} is the restore of a tenant, which continues when it is asked for again: ./manage.py tenants restore,
    with the same backup and options. To undo what it did: ./manage.py tenants undo-restore {run}"""

    exit_code = 2


class NotToAdvance(EngineError):
    """Run {run} cannot continue: it is over, or was stopped. Resume it, or start a new one."""


def _go_on(session: Session, plan: Plan, run: Unfinished, listener: Listener) -> Result:
    if run.kind == Run.Kind.UNDO:
        return carry_back(session, plan, run.id, run.phases, listener)
    plan = narrowed(plan, Scope.of(run.scope))
    wanted = left_of(session, plan, run.id, run.phases)
    first = phases_of(plan)[0]
    if wanted and first not in wanted and is_refused(session, first, no_wait_callback):
        wanted = [first]  # which says why; a role that policies filter must not go on with the others
    return carry_through(session, run.id, wanted, listener, stepwise=False)
