"""What runs did, taken back."""

from collections.abc import Collection, Sequence
from pathlib import Path

import psycopg
from psycopg.types.json import Jsonb

from migrations_ops.engine import checks, undo
from migrations_ops.engine.events import Listener
from migrations_ops.engine.executor import Executor
from migrations_ops.engine.ledger import Undone
from migrations_ops.engine.session import Session
from migrations_ops.engine.steps import Phase
from migrations_ops.models import Run
from migrations_ops.phase_state import make_ready, open_with_plan, phase_states, position, refuse_distributed
from migrations_ops.phases import row_level_security, triggers
from migrations_ops.plan import phases as phases_of
from migrations_ops.rules.canary import touched
from migrations_ops.rules.model import Plan
from migrations_ops.rules.plan_tables import has_tenant_column
from migrations_ops.runs.callbacks import RunCallbacks
from migrations_ops.runs.earlier_plans import with_earlier_plans
from migrations_ops.runs.runner import Actor, Result, accounting, check_stop, is_refused, open_or_go_on
from migrations_ops.vectors import changes as vectors
from vital.db.sql import shown
from vital.errors import PhaseRefused, Problem

HALF_UNDONE = "its undo is not finished: undo again, or run to do the phase again"


def to_undo(session: Session, phases: Sequence[Phase], first: str) -> list[Phase]:
    """The phases that an undo back to `first` takes back, latest first."""
    start = position(phases, first) if first else 0
    standing = {phase for phase, _ in session.named("phases_not_undone")}
    return [phase for phase in reversed(phases[start:]) if phase.key in standing]


def standing_scopes(session: Session) -> set[str]:
    """What runs that changed something, and are not undone, were limited to."""
    return {scope for phase, scope in session.named("phases_not_undone") if not phase.startswith("000")}


def preview_undo(first: str) -> list[str]:
    """The keys of the phases that would be undone, latest first."""
    with open_with_plan(read_only=True) as (session, plan):
        phases = phases_of(plan)
        position(phases, first or phases[0].key)
        if not session.named("is_set_up")[0][0]:
            return []
        return [phase.key for phase in to_undo(session, phases, first)]


def undo_phases(first: str, archive: Path | None, listener: Listener, actor: Actor | None = None) -> Result:
    """Take back every phase from the last to `first` (all, where empty). Raises UndoRefused before anything changes."""
    with open_with_plan() as (session, plan), session.run_lock():
        if not session.named("is_set_up")[0][0]:
            return Result("nothing_to_do")
        refuse_distributed(session)
        plan = touched(plan, standing_scopes(session))
        wanted = to_undo(session, phases_of(plan), first)
        if not wanted:
            return Result("nothing_to_do", phases=phase_states(session))
        phases = with_earlier_plans(session, phases_of(plan), [phase.key for phase in wanted])
        wanted = to_undo(session, phases, first)
        archived = _refuse(session, plan, phases, wanted, archive, listener)
        run_id, _ = open_or_go_on(session, plan, Run.Kind.UNDO, wanted, actor or Actor(), resume=False)
        callbacks = RunCallbacks(session, run_id, Run.Kind.UNDO, listener)
        with callbacks.lifecycle(), accounting(session, run_id):
            undone = _take_back(session, run_id, plan, phases, wanted, listener, callbacks)
        return _result(session, run_id, undone, archived)


def open_undo(first: str, actor: Actor) -> int | None:
    """Open an undo for a worker to carry out, and return its id; None where there is nothing to undo.

    What it would lose is for the worker to say, who may read everything.
    """
    with open_with_plan() as (session, plan), session.run_lock():
        position(phases_of(plan), first or phases_of(plan)[0].key)
        make_ready(session)
        refuse_distributed(session)
        plan = touched(plan, standing_scopes(session))
        wanted = to_undo(session, phases_of(plan), first)
        return open_or_go_on(session, plan, Run.Kind.UNDO, wanted, actor, resume=False)[0] if wanted else None


def carry_back(session: Session, plan: Plan, run_id: int, keys: Sequence[str], listener: Listener) -> Result:
    """Carry an opened or interrupted undo on to its end. Raises UndoRefused; the run has failed then."""
    plan = touched(plan, standing_scopes(session))
    wanted = [phase for phase in to_undo(session, phases_of(plan), "") if phase.key in keys]
    callbacks = RunCallbacks(session, run_id, Run.Kind.UNDO, listener)
    with callbacks.lifecycle(), accounting(session, run_id):
        phases = with_earlier_plans(session, phases_of(plan), [phase.key for phase in wanted])
        wanted = [phase for phase in to_undo(session, phases, "") if phase.key in keys]
        archived = _refuse(session, plan, phases, wanted, None, listener)
        undone = _take_back(session, run_id, plan, phases, wanted, listener, callbacks)
    for problem in undone.elsewhere:
        listener.said(f"{shown(problem.relation)}: {problem.message}")
    return _result(session, run_id, undone, archived)


def _refuse(
    session: Session,
    plan: Plan,
    phases: Sequence[Phase],
    wanted: list[Phase],
    archive: Path | None,
    listener: Listener,
) -> list[Problem]:
    """What the archive has kept. Raises UndoRefused, and PhaseRefused for a role that may not do it."""
    gone = [spec.relation for spec in plan.tables if not has_tenant_column(session, spec)]
    if is_refused(session, phases_of(plan)[0], listener.waiting, gone):
        raise PhaseRefused(phase="undo", failed="1 check", log="./manage.py migrate_tenants run --only 000")
    return undo.refuse_losses(session, wanted, phases, archive, listener.waiting)


def _take_back(
    session: Session,
    run_id: int,
    plan: Plan,
    phases: Sequence[Phase],
    wanted: Sequence[Phase],
    listener: Listener,
    callbacks: RunCallbacks,
) -> Undone:
    executor = Executor(session, run_id, listener, lambda: check_stop(session, run_id))
    undone, fires = Undone(), _triggers_that_fire(session, plan)
    callbacks.begin()
    if any(phase.key == row_level_security.KEY for phase in wanted):
        vectors.withdraw_all(session, lambda _: None)  # what isolation is for goes with it
    for phase in wanted:
        callbacks.before(phase)
        session.named("spoil_phase", {"phase": phase.key, "error": Jsonb({"message": HALF_UNDONE})})
        undone.add(_undo_one(executor, phase, phases, [one.key for one in wanted]))
        callbacks.after(phase, "rolled back")
    undone.elsewhere = [problem for problem in fires if undone.restored.get(problem.relation)]
    return undone


def _triggers_that_fire(session: Session, plan: Plan) -> list[Problem]:
    """As 000 found them before the run, and as they are now."""
    check = triggers.that_fire(plan)
    found = [Problem(*row) for row in session.named("findings_of_check", {"check": check.name})]
    return list(dict.fromkeys([*found, *checks.ask(session, check).problems]))


def _result(session: Session, run_id: int, undone: Undone, archived: list[Problem]) -> Result:
    return Result(Run.Status.COMPLETED, run_id, phase_states(session), undone=undone, archived=archived)


def _undo_one(executor: Executor, phase: Phase, phases: Sequence[Phase], wanted: Collection[str]) -> Undone:
    try:
        return undo.take_back(executor, phase, phases, wanted)
    except psycopg.Error as error:
        raise executor.failed_outside(phase, error) from error
