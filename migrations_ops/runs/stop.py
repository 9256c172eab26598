"""A run that is not over yet: stopped, helped."""

import time
from collections.abc import Sequence
from contextlib import suppress

from migrations_ops.engine.events import Listener
from migrations_ops.engine.session import Session
from migrations_ops.engine.steps import Phase
from migrations_ops.models import Run
from migrations_ops.plan import phases as phases_of
from migrations_ops.rules.canary import Scope, narrowed
from migrations_ops.rules.current import current_plan, plan_of_run
from migrations_ops.runs import transitions, workers
from migrations_ops.runs.queries import only_unfinished, unfinished
from migrations_ops.runs.runner import Actor
from migrations_ops.runs.transitions import move, status_of
from tenants import audit
from vital.db.own_schema import opened
from vital.errors import AnotherRunIsActive


def stop(what: str, patience: float = 60, actor: Actor | None = None, run: int | None = None) -> tuple[int, str]:
    """Ask the unfinished run to `pause` or `cancel`, and wait until it has: (its id, its status now).

    It stops between two batches; still `running` after `patience` seconds means that it has not come to one yet. A run
    whose process is gone is stopped from here. A run that has ended meanwhile is not waited for any longer: its process
    may be at work on what follows, as hooks are. Raises NothingToStop, also where another than `run` is unfinished, and
    UnknownRun.
    """
    after = {"pause": Run.Status.PAUSED, "cancel": Run.Status.CANCELLED}[what]
    actor = actor or Actor()
    with opened(Session) as session:
        session.read_as_operator()  # also the service's login may stop a run
        run_id = only_unfinished(session, run).id
        audit.note(session, actor.who, what, actor.reason, {"run": run_id})
        deadline = time.monotonic() + patience
        while ((status := status_of(session, run_id)), after) in transitions.ARROWS and time.monotonic() < deadline:
            if status != Run.Status.RUNNING:
                _move_from_here(session, run_id, after)
            elif session.named("request_stop", {"id": run_id, "what": what}) and session.run_lock_is_free():
                with suppress(AnotherRunIsActive):  # somebody has taken the run up just now: they have been asked
                    _move_from_here(session, run_id, after)
            else:
                time.sleep(0.1)
        return run_id, status


def _move_from_here(session: Session, run_id: int, after: str) -> None:
    """Move a run that no process carries out, unless it has come to an end meanwhile. Raises AnotherRunIsActive."""
    with session.run_lock():
        status = status_of(session, run_id)
        if (status, after) in transitions.ARROWS:
            move(session, run_id, status, after)


def work(listener: Listener) -> int:
    """Help the active run with its tables until it is over; returns its id. Raises NothingToHelp, OtherPlan."""
    with opened(Session) as session:
        at_work = unfinished(session)
        plan = plan_of_run(session, at_work.id) if at_work else current_plan(session)

        def phases(scope: str) -> Sequence[Phase]:
            return phases_of(narrowed(plan, Scope.of(scope)))

        return workers.help_along(session, phases, plan.digest, listener)
