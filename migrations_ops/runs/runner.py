"""Runs: opened, and carried on to their end."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import psycopg
from django.conf import settings

from migrations_ops.engine import checks
from migrations_ops.engine.events import Listener
from migrations_ops.engine.executor import Executor
from migrations_ops.engine.ledger import Undone
from migrations_ops.engine.session import Session
from migrations_ops.engine.steps import Check, Phase, Severity
from migrations_ops.models import Run
from migrations_ops.phase_state import (
    Waits,
    completed_phases,
    make_ready,
    no_wait_callback,
    open_session,
    pending,
    phase_states,
    position,
    refuse_distributed,
)
from migrations_ops.plan import phases as phases_of
from migrations_ops.rehearsal import forecast, measurements, records
from migrations_ops.rules.canary import Scope, narrowed
from migrations_ops.rules.current import chosen, current_plan
from migrations_ops.rules.model import Plan
from migrations_ops.runs import hooks, queries, throttle_settings
from migrations_ops.runs.callbacks import RunCallbacks
from migrations_ops.runs.queries import Unfinished
from migrations_ops.runs.transitions import move, status_of
from tenants import audit, maintenance
from tenants.isolation.comparison import CLOSES
from vital.db.own_schema import me
from vital.db.sql import shown
from vital.errors import EngineError, OutOfOrder, Problem, Stopped

MOST_PROBLEMS = 20  # that a failed run keeps


@dataclass(frozen=True)
class Request:
    """What is asked of a run: which phases (keys or their numbers), and whether to stop after each."""

    first: str = ""
    last: str = ""
    only: str = ""
    step_by_step: bool = False
    tenant: str = ""
    table: str = ""
    maintenance: bool = False
    keep_indexes: bool = False

    @property
    def every_phase(self) -> bool:
        """Whether all that is left is asked for."""
        return not (self.first or self.last or self.only)

    @property
    def whole(self) -> bool:
        """The same, of every tenant and table."""
        return self.every_phase and not (self.tenant or self.table)


@dataclass
class Result:
    """What a run or an undo came to. `status` is a Run status, or `nothing_to_do`."""

    status: str
    run: int | None = None
    phases: list[dict[str, Any]] = field(default_factory=list)
    next_phase: str = ""
    undone: Undone | None = None
    archived: list[Problem] = field(default_factory=list)
    forecast: dict[str, Any] | None = None
    undecided: int = 0


@dataclass(frozen=True)
class Actor:
    """Who asks for something, and why, as the run and the audit keep it; and whether workers carry it out."""

    who: str = field(default_factory=me)
    reason: str = ""
    in_background: bool = False


def run(request: Request, listener: Listener, actor: Actor | None = None) -> Result:
    """Carry out what is left of the phases, or the ones asked for. Raises EngineError; what was done stays done."""
    with open_session() as session, session.run_lock():
        before = queries.unfinished(session)
        opened = _open(session, request, actor or Actor(), listener.waiting)
        if opened is None:
            return Result("nothing_to_do", phases=phase_states(session), undecided=undecided(session))
        _say_what_goes_on(session, listener, opened[0], before)
        result = carry_through(session, *opened, listener, request.step_by_step)
        if request.whole and result.status == Run.Status.COMPLETED:
            result.forecast = _forecast_and_fact(session, result)
        return result


def _say_what_goes_on(session: Session, listener: Listener, opened: int, before: Unfinished | None) -> None:
    """A run that was not over is never resumed or cancelled without a word; nor is a plan taken that differs."""
    if before:
        resumed = before.id == opened
        goes_on = "it is resumed" if resumed else f"it is cancelled, what it did stays, and run {opened} starts"
        listener.said(f"{before.kind.capitalize()} {before.id} was {before.status}: {goes_on}")
    holding = chosen(session)
    if holding.remembered and holding.remembered.run != opened:
        listener.said(f"The plan: {holding.in_words}")


def undecided(session: Session) -> int:
    """How many rows wait for a person's decision."""
    found = queries.open_findings(session)
    return sum(int(finding["count"]) for finding in found if finding["severity"] == Severity.REVIEW)


def open_run(request: Request, actor: Actor | None = None) -> int | None:
    """Open a run for somebody else to advance, and return its id; None where there is nothing to do."""
    with open_session() as session, session.run_lock():
        opened = _open(session, request, actor or Actor())
        return opened[0] if opened else None


def _open(
    session: Session, request: Request, actor: Actor, waiting: Waits = no_wait_callback
) -> tuple[int, Sequence[Phase]] | None:
    plan = narrowed(current_plan(session), Scope(request.tenant, request.table))
    for name in filter(None, (request.first, request.last, request.only)):
        position(phases_of(plan), name)
    hooks.load(settings.HOOKS)
    make_ready(session)
    if not (request.only and CLOSES.startswith(request.only)):  # 006 repairs isolation wherever the tables are
        refuse_distributed(session)
    wanted = wanted_phases(session, phases_of(plan), request, plan.scope, waiting)
    if not wanted:
        return None
    opened = open_or_go_on(session, plan, Run.Kind.RUN, wanted, actor, resume=request.every_phase)
    if request.maintenance:
        maintenance.switch_on(session, actor.who, f"run {opened[0]}", opened[0])
    if request.keep_indexes:
        throttle_settings.change(session, {"keep_indexes": "on"}, actor.who)
    return opened


def left_of(session: Session, plan: Plan, run_id: int, keys: Sequence[str]) -> list[Phase]:
    """The phases of a run that it has not completed yet."""
    done = {row[0] for row in session.named("completed_in_run", {"run": run_id})}
    return [phase for phase in phases_of(plan) if phase.key in keys and phase.key not in done]


def carry_through(session: Session, run_id: int, wanted: Sequence[Phase], listener: Listener, stepwise: bool) -> Result:
    executor = Executor(session, run_id, listener, lambda: check_stop(session, run_id))
    callbacks = RunCallbacks(session, run_id, Run.Kind.RUN, listener)
    with callbacks.lifecycle(), accounting(session, run_id):
        callbacks.begin()
        for number, phase in enumerate(wanted, start=1):
            callbacks.before(phase)
            executor.carry_out(phase)
            callbacks.after(phase, "completed")
            if stepwise and number < len(wanted):
                move(session, run_id, Run.Status.RUNNING, Run.Status.PAUSED)
                return Result(Run.Status.PAUSED, run_id, phase_states(session), next_phase=wanted[number].key)
    return Result(Run.Status.COMPLETED, run_id, phase_states(session), undecided=undecided(session))


@contextmanager
def accounting(session: Session, run_id: int) -> Iterator[None]:
    """The run's status follows what happens inside; a lost connection leaves it to whoever takes the run over."""
    try:
        yield
    except Stopped as stop:
        session.wait_for_workers()
        after = Run.Status.CANCELLED if stop.facts.get("what") == "cancel" else Run.Status.PAUSED
        move(session, run_id, Run.Status.RUNNING, after)
        raise
    except KeyboardInterrupt as interrupt:
        # It may have struck between a statement and its answer: that connection is of no use any more.
        session.close()
        with open_session() as another:
            move(another, run_id, Run.Status.RUNNING, Run.Status.PAUSED)
        raise Stopped(what="pause") from interrupt
    except EngineError as error:
        if not session.connection.closed:
            move(session, run_id, Run.Status.RUNNING, Run.Status.FAILED, _error_document(error))
        raise
    except Exception as error:
        # A mistake of ours would be made again by every worker that takes the run up.
        if not (session.connection.closed or session.connection.broken):
            document = {"message": f"{type(error).__name__}: {error}"}
            move(session, run_id, Run.Status.RUNNING, Run.Status.FAILED, document)
        raise
    else:
        if status_of(session, run_id) == Run.Status.RUNNING:
            move(session, run_id, Run.Status.RUNNING, Run.Status.COMPLETED)


def _error_document(error: EngineError) -> dict[str, Any]:
    """What is kept of an error, for whoever looks at the run later."""
    found = error.facts.get("problems", [])[:MOST_PROBLEMS]
    problems = [{"table": shown(one.relation), "key": one.key, "message": one.message} for one in found]
    return {"message": str(error)} | ({"problems": problems} if problems else {})


def check_stop(session: Session, run_id: int) -> None:
    what = session.named("stop_requested", {"id": run_id})[0][0]
    if what:
        raise Stopped(what=what)


def open_or_go_on(
    session: Session, plan: Plan, kind: str, wanted: Sequence[Phase], actor: Actor, *, resume: bool
) -> tuple[int, Sequence[Phase]]:
    """The unfinished run goes on where the same is asked for; else it is abandoned and a new one starts."""
    if before := queries.unfinished(session):
        left = [phase.key for phase in left_of(session, plan, before.id, before.phases)]
        wanted_now = (kind, plan.digest, plan.scope, [phase.key for phase in wanted])
        same = (before.kind, before.digest, before.scope, left) == wanted_now
        if resume and same:
            reopen(session, before.id, before.status, actor)
            return before.id, wanted
        _abandon(session, before, actor)
    keys = [phase.key for phase in wanted]
    facts = {
        "kind": kind,
        "phases": keys,
        "digest": plan.digest,
        "scope": plan.scope,
        "plan": plan.text,
        "by": actor.who,
        "reason": actor.reason.strip(),
        "in_background": actor.in_background,
    }
    with session.connection.transaction():
        run_id = int(session.named("open_run", facts)[0][0])
        asked = {"run": run_id, "phases": keys, "scope": plan.scope}
        audit.note(session, actor.who, "undo" if kind == Run.Kind.UNDO else "start", actor.reason, asked)
    return run_id, wanted


def _abandon(session: Session, run: Unfinished, actor: Actor) -> None:
    """Another run takes its place; what it did stays."""
    status = run.status
    if status == Run.Status.RUNNING:
        move(session, run.id, status, Run.Status.PAUSED)
        status = Run.Status.PAUSED
    move(session, run.id, status, Run.Status.CANCELLED)
    audit.note(session, actor.who, "cancel", actor.reason, {"run": run.id})
    session.wait_for_workers()


def reopen(session: Session, run_id: int, status: str, actor: Actor) -> None:
    """A run that stopped, or whose process is gone, is at work again."""
    with session.connection.transaction():
        move(session, run_id, status, Run.Status.RUNNING)
        session.named("hand_over", {"id": run_id, "in_background": actor.in_background})
        audit.note(session, actor.who, "resume", actor.reason, {"run": run_id})


def wanted_phases(
    session: Session, phases: Sequence[Phase], request: Request, scope: str, waiting: Waits
) -> Sequence[Phase]:
    """The phases to carry out: those asked for by name, else everything that is left, up to the last one wanted."""
    end = position(phases, request.only or request.last or phases[-1].key)
    if request.only or request.first:
        start = position(phases, request.only or request.first)
        if start > end:
            raise NothingBetween(first=phases[start].key, last=phases[end].key)
        completed = completed_phases(session, scope)
        for phase in phases[:start]:
            if phase.key not in completed:
                raise OutOfOrder(phase=phases[start].key, needed=phase.key)
        return phases[start : end + 1]
    begun = bool(session.named("is_set_up")[0][0])
    left = phases if not begun or is_refused(session, phases[0], waiting) else pending(session, phases, scope)
    return [phase for phase in phases[: end + 1] if phase in left]


def is_refused(session: Session, first: Phase, waiting: Waits, gone: Collection[str] = ()) -> bool:
    """Whether the database refuses us today. A role that policies filter would see no work left and call it done.

    The operators' role, as which the service's login looks, is shown every row and owns none: whoever carries the run
    out is asked. `gone` are tables that an undo has nothing to ask about any more.
    """
    if session.named("is_operator")[0][0]:
        return False
    gates = [step for step in first.steps if isinstance(step, Check) and step.gate]
    found = (problem for gate in gates for problem in checks.ask(session, gate, partial(waiting, gate)).problems)
    return any(problem.relation not in gone for problem in found)


class NothingBetween(EngineError):
    """The run was to start at {first} and to stop after {last}, which comes before it. Nothing was started."""

    exit_code = 2


def _forecast_and_fact(session: Session, result: Result) -> dict[str, Any] | None:
    """What the last rehearsal of this plan forecast, beside what has come; None where there was none. Never an error:
    the run is done, whatever may be said about it."""
    try:
        held = records.last(session, current_plan(session).digest)
        if held is None or not held["forecast"]:
            return None
        states = [state for state in result.phases if state["run"] == result.run]
        return forecast.compared(held["forecast"], states, measurements.sizes(session)) | {"rehearsal": held["id"]}
    except (psycopg.Error, LookupError, TypeError, ValueError):
        return None
