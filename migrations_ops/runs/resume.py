"""A run that is open goes on to its end, whoever opened it: here, or in a worker that is given nothing but its id."""

from migrations_ops.engine.events import Listener
from migrations_ops.engine.session import Session
from migrations_ops.models import Run
from migrations_ops.phase_state import no_wait_callback, open_session
from migrations_ops.plan import phases as phases_of
from migrations_ops.rules.canary import Scope, narrowed
from migrations_ops.rules.current import plan_of_run
from migrations_ops.rules.model import Plan
from migrations_ops.runs import plan_drift
from migrations_ops.runs.runner import Actor, Result, carry_through, is_refused, left_of, move, reopen
from migrations_ops.runs.undo import carry_back
from vital.errors import EngineError


def advance(run_id: int, listener: Listener) -> Result:
    """Carry an opened, resumed or abandoned run on to its end. Raises EngineError, as `run` does.

    One that somebody has paused, or that has failed, waits for a person: a task may be delivered twice, and late.
    """
    with open_session() as session, session.run_lock():
        for found, kind, status, keys, digest, scope in session.named("unfinished_run"):
            if found == run_id and status == Run.Status.RUNNING:
                plan = plan_of_run(session, run_id)
                try:
                    plan_drift.refuse_another(session, run_id, digest, plan)
                except plan_drift.PlanHasChanged as error:
                    move(session, run_id, status, Run.Status.FAILED, {"message": str(error)})
                    raise
                move(session, run_id, status, Run.Status.RUNNING)
                return _go_on(session, plan, run_id, kind, keys, scope, listener)
        raise NotToAdvance(run=run_id)


def resume(listener: Listener, actor: Actor | None = None) -> Result:
    """Carry the unfinished run, or undo, on to its end. Raises NothingToStop, PlanHasChanged, and what `run` does."""
    with open_session() as session, session.run_lock():
        run_id, kind, keys, scope, plan = reopened(session, actor or Actor())
        return _go_on(session, plan, run_id, kind, keys, scope, listener)


def reopened(session: Session, actor: Actor, run: int | None = None) -> tuple[int, str, list[str], str, Plan]:
    """The unfinished run at work again: id, kind, phases, scope, plan. Raises NothingToStop, PlanHasChanged."""
    only_unfinished(session, run)
    ((run_id, kind, status, keys, digest, scope),) = session.named("unfinished_run")
    plan = plan_of_run(session, run_id)
    plan_drift.refuse_another(session, run_id, digest, plan)
    reopen(session, run_id, status, actor)
    return run_id, kind, keys, scope, plan


def only_unfinished(session: Session, run: int | None = None) -> int:
    """The id of the run that is not finished. Raises NothingToStop where there is none, or another than `run`."""
    found = session.named("unfinished_run") if session.named("is_set_up")[0][0] else []
    if not found:
        raise NothingToStop
    if run not in (None, found[0][0]):
        raise AnotherIsUnfinished(run=run, other=found[0][0])
    return int(found[0][0])


class NothingToStop(EngineError):
    """There is no unfinished run: nothing to pause, resume or cancel. `./manage.py migrate_tenants` starts one."""

    exit_code = 2


class AnotherIsUnfinished(NothingToStop):
    """Run {run} is over: nothing to pause, resume or cancel. The unfinished run is {other}."""


class NotToAdvance(EngineError):
    """Run {run} is not one that can go on: it is over, or somebody has stopped it. Resume it, or start a new one."""


def _go_on(
    session: Session, plan: Plan, run_id: int, kind: str, keys: list[str], scope: str, listener: Listener
) -> Result:
    if kind == Run.Kind.UNDO:
        return carry_back(session, plan, run_id, keys, listener)
    plan = narrowed(plan, Scope.of(scope))
    wanted = left_of(session, plan, run_id, keys)
    first = phases_of(plan)[0]
    if wanted and first not in wanted and is_refused(session, first, no_wait_callback):
        wanted = [first]  # which says why; a role that policies filter must not go on with the others
    return carry_through(session, run_id, wanted, listener, stepwise=False)
