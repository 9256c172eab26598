"""The one door to the migration. Command, background task, admin and REST are faces over these functions."""

import getpass
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.client import HTTPException
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.core.management import call_command
from django.db import connection as django_connection
from psycopg.types.json import Jsonb

from migrations_ops import audit, changes, explaining, fence, reading, transitions, tuning, workers
from migrations_ops.engine import checks, locks, undo
from migrations_ops.engine.errors import EngineError, OutOfOrder, PhaseRefused, Stopped
from migrations_ops.engine.executor import Executor, has_work
from migrations_ops.engine.ledger import Undone
from migrations_ops.engine.progress import Listener
from migrations_ops.engine.session import Session
from migrations_ops.engine.steps import Check, Phase, Problem, Step
from migrations_ops.findings import carry_out, listing, sheets
from migrations_ops.findings import withdraw as withdrawals
from migrations_ops.findings.decide import Decision as Decision
from migrations_ops.findings.decide import Source, record
from migrations_ops.findings.listing import Wanted as Wanted
from migrations_ops.foresight import compare
from migrations_ops.foresight import preview as foresight
from migrations_ops.foresight.ask import refuse_what_does_not_fit
from migrations_ops.init_plan import draft
from migrations_ops.isolation import bypasses as ways_around
from migrations_ops.isolation import database, service, tokens
from migrations_ops.isolation.callers import HttpCaller, WsgiCaller
from migrations_ops.isolation.report import Report
from migrations_ops.isolation.targets import NOBODY
from migrations_ops.models import Run
from migrations_ops.phases.row_level_security import KEY as CLOSES
from migrations_ops.phases.row_level_security import closings
from migrations_ops.plan import phases as phases_of
from migrations_ops.rehearsal import forecast, measure, records
from migrations_ops.rehearsal.rehearse import Order, Rehearsal, refuse_where_begun
from migrations_ops.rules.load import load
from migrations_ops.rules.model import Plan
from migrations_ops.scope import Scope, narrowed, touched
from migrations_ops.workers import NothingToHelp as NothingToHelp
from migrations_ops.workshop import suggest as workshop
from vital.settings import env_secret

HALF_UNDONE = "its undo was interrupted: run undo again, or run to do the phase again"


Waits = Callable[[Step, str], None]


def in_silence(step: Step, why: str) -> None:
    """Nobody is there to be told."""


@dataclass(frozen=True)
class Request:
    """What is asked of a run: which phases (keys or their numbers), and whether to stop after each."""

    first: str = ""
    last: str = ""
    only: str = ""
    step_by_step: bool = False
    tenant: str = ""
    table: str = ""

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
    foretold: dict[str, Any] | None = None


@contextmanager
def open_session(*, read_only: bool = False) -> Iterator[Session]:
    """The engine's own connection to the configured database."""
    session = Session.open(_connection_params(), f"vital {_me()}")
    try:
        if read_only:
            session.named("read_only")
            session.named("read_as_operator")
            if session.named("is_of_an_earlier_vital")[0][0]:
                raise EarlierTables
        yield session
    finally:
        session.close()


def _connection_params() -> dict[str, Any]:
    """libpq's parameters of the configured database."""
    params: dict[str, Any] = django_connection.get_connection_params()
    for key in ("context", "cursor_factory", "prepare_threshold"):
        params.pop(key, None)
    return params


class EarlierTables(EngineError):
    """VITAL's own tables in this database are of an earlier VITAL. Bring them up to date: manage.py migrate, as a run
    does by itself. Nothing was changed."""

    exit_code = 2


def current_plan() -> Plan:
    return load(settings.PLAN)


def bring_up_to_date() -> None:
    """VITAL's own tables; where the platform's are all missing, the legacy baseline. Never alters what it finds."""
    call_command("migrate", verbosity=0, interactive=False)
    django_connection.close()


def run(request: Request, listener: Listener) -> Result:
    """Carry out what is left of the phases, or the ones asked for. Raises EngineError; what was done stays done."""
    with open_session() as session, session.run_lock():
        opened = _open(session, request, listener.waiting)
        if opened is None:
            return Result("nothing_to_do", phases=phase_states(session))
        result = _carry_out(session, *opened, listener, request.step_by_step)
        if request.whole and result.status == Run.Status.COMPLETED:
            result.foretold = _forecast_and_fact(session, result)
        return result


def open_run(request: Request) -> int | None:
    """Open a run for somebody else to advance, and return its id; None where there is nothing to do."""
    with open_session() as session, session.run_lock():
        opened = _open(session, request)
        return opened[0] if opened else None


def advance(run_id: int, listener: Listener) -> Result:
    """Carry an opened, paused, failed or abandoned run on to its end. Raises EngineError, as `run` does."""
    plan = current_plan()
    with open_session() as session, session.run_lock():
        for found, kind, status, keys, digest, text in session.named("unfinished_run"):
            if found == run_id and kind == Run.Kind.RUN:
                changes.refuse_another(session, run_id, digest, plan)
                plan = narrowed(plan, Scope.of(text))
                _move(session, run_id, status, Run.Status.RUNNING)
                return _carry_out(session, run_id, _left(session, plan, run_id, keys), listener, stepwise=False)
        raise NotToAdvance(run=run_id)


class NotToAdvance(EngineError):
    """Run {run} is not one that can go on: it is over, or an undo. Start a new one."""


def _open(session: Session, request: Request, waiting: Waits = in_silence) -> tuple[int, Sequence[Phase]] | None:
    plan = narrowed(current_plan(), Scope(request.tenant, request.table))
    for name in filter(None, (request.first, request.last, request.only)):
        position(phases_of(plan), name)
    bring_up_to_date()
    wanted = _wanted(session, phases_of(plan), request, plan.scope, waiting)
    return _open_run(session, plan, Run.Kind.RUN, wanted, resume=request.every_phase) if wanted else None


def _left(session: Session, plan: Plan, run_id: int, keys: list[str]) -> list[Phase]:
    """The phases of a run that it has not completed yet."""
    done = {row[0] for row in session.named("completed_in_run", {"run": run_id})}
    return [phase for phase in phases_of(plan) if phase.key in keys and phase.key not in done]


def _carry_out(session: Session, run_id: int, wanted: Sequence[Phase], listener: Listener, stepwise: bool) -> Result:
    executor = Executor(session, run_id, listener, lambda: _check_stop(session, run_id))
    with _accounting(session, run_id):
        for number, phase in enumerate(wanted, start=1):
            executor.carry_out(phase)
            if stepwise and number < len(wanted):
                _move(session, run_id, Run.Status.RUNNING, Run.Status.PAUSED)
                return Result(Run.Status.PAUSED, run_id, phase_states(session), next_phase=wanted[number].key)
    return Result(Run.Status.COMPLETED, run_id, phase_states(session))


@contextmanager
def _accounting(session: Session, run_id: int) -> Iterator[None]:
    """The run's status follows what happens inside; a lost connection leaves it to whoever takes the run over."""
    try:
        yield
    except Stopped as stop:
        session.wait_for_workers()
        after = Run.Status.CANCELLED if stop.facts.get("what") == "cancel" else Run.Status.PAUSED
        _move(session, run_id, Run.Status.RUNNING, after)
        raise
    except KeyboardInterrupt as interrupt:
        # It may have struck between a statement and its answer: that connection is of no use any more.
        session.close()
        with open_session() as another:
            _move(another, run_id, Run.Status.RUNNING, Run.Status.PAUSED)
        raise Stopped(what="pause") from interrupt
    except EngineError as error:
        if not session.connection.closed:
            _move(session, run_id, Run.Status.RUNNING, Run.Status.FAILED, {"message": str(error)})
        raise
    else:
        if _status(session, run_id) == Run.Status.RUNNING:
            _move(session, run_id, Run.Status.RUNNING, Run.Status.COMPLETED)


def _status(session: Session, run_id: int) -> str:
    return str(session.named("status_of_run", {"id": run_id})[0][0])


def _move(session: Session, run_id: int, before: str, after: str, error: dict[str, Any] | None = None) -> None:
    transitions.check(before, after)
    facts = {"id": run_id, "before": before, "after": after, "error": Jsonb(error) if error else None}
    session.named("move_run", facts)


def _check_stop(session: Session, run_id: int) -> None:
    what = session.named("stop_requested", {"id": run_id})[0][0]
    if what:
        raise Stopped(what=what)


def _open_run(
    session: Session, plan: Plan, kind: str, wanted: Sequence[Phase], *, resume: bool
) -> tuple[int, Sequence[Phase]]:
    """The unfinished run goes on where the same is asked for; else it is given up and a new one starts."""
    for run_id, old_kind, status, keys, digest, scope in session.named("unfinished_run"):
        left = [phase.key for phase in _left(session, plan, run_id, keys)]
        same = (old_kind, digest, scope, left) == (kind, plan.digest, plan.scope, [phase.key for phase in wanted])
        if resume and same:
            _move(session, run_id, status, Run.Status.RUNNING)
            return run_id, wanted
        if status == Run.Status.RUNNING:
            _move(session, run_id, status, Run.Status.PAUSED)
            status = Run.Status.PAUSED
        _move(session, run_id, status, Run.Status.CANCELLED)
        session.wait_for_workers()
    facts = {
        "kind": kind,
        "phases": [phase.key for phase in wanted],
        "digest": plan.digest,
        "scope": plan.scope,
        "plan": plan.text,
        "by": _me(),
    }
    return int(session.named("open_run", facts)[0][0]), wanted


def _wanted(session: Session, phases: Sequence[Phase], request: Request, scope: str, waiting: Waits) -> Sequence[Phase]:
    """The phases to carry out: those asked for by name, else everything that is left, up to the last one wanted."""
    end = position(phases, request.only or request.last or phases[-1].key)
    if request.only or request.first:
        start = position(phases, request.only or request.first)
        if start > end:
            raise NothingBetween(first=phases[start].key, last=phases[end].key)
        completed = _completed(session, scope)
        for phase in phases[:start]:
            if phase.key not in completed:
                raise OutOfOrder(phase=phases[start].key, needed=phase.key)
        return phases[start : end + 1]
    left = phases if _gate(session, phases[0], waiting) else pending(session, phases, scope)
    return [phase for phase in phases[: end + 1] if phase in left]


def _gate(session: Session, first: Phase, waiting: Waits) -> bool:
    """Whether the database refuses us today. A role that policies filter would see no work left and call it done."""
    gates = [step for step in first.steps if isinstance(step, Check) and step.gate]
    return any(checks.ask(session, gate, partial(waiting, gate)) for gate in gates)


def _completed(session: Session, scope: str) -> set[str]:
    return {state["phase"] for state in phase_states(session, scope) if state["status"] == "completed"}


def pending(session: Session, phases: Sequence[Phase], scope: str = "") -> Sequence[Phase]:
    """Everything from the first phase that is not completed or has work left. Read-only."""
    completed = _completed(session, scope)
    for number, phase in enumerate(phases):
        if phase.key not in completed or has_work(session, phase):
            return phases[number:]
    return ()


def position(phases: Sequence[Phase], name: str) -> int:
    """The place of a phase by its key or number (004). Raises UnknownPhase."""
    for number, phase in enumerate(phases):
        if name == phase.key or name == phase.key.split("_", 1)[0]:
            return number
    raise UnknownPhase(name=name, known=", ".join(phase.key for phase in phases))


class NothingBetween(EngineError):
    """The run was to start at {first} and to stop after {last}, which comes before it. Nothing was started."""

    exit_code = 2


class UnknownPhase(EngineError):
    """There is no phase {name}. The phases are: {known}."""

    exit_code = 2


def phase_states(session: Session, scope: str = "") -> list[dict[str, Any]]:
    """The last record of each phase that was ever started, for the whole and for this canary."""
    names = ("phase", "status", "run", "started_at", "completed_at", "metrics", "error")
    return [dict(zip(names, row, strict=True)) for row in session.named("phase_states", {"scope": scope})]


def validate(listener: Listener) -> int:
    """005 alone, read-only: asks every question and writes nothing. Returns the number of failed checks."""
    plan = current_plan()
    failed = 0
    with open_session(read_only=True) as session:
        phase = next(phase for phase in phases_of(plan) if phase.reads_only)
        if not _has_tenants(session):
            raise OutOfOrder(phase=phase.key, needed="001_schema_fixes")
        listener.phase_started(phase)
        for step in phase.steps:
            assert isinstance(step, Check)
            listener.step_started(phase, step)
            outcome = checks.outcome_of(step, checks.ask(session, step, partial(listener.waiting, step)))
            listener.step_done(phase, step, outcome)
            failed += outcome.status == "FAIL"
        listener.phase_done(phase, "failed" if failed else "completed", 0.0, "")
    return failed


def to_undo(session: Session, phases: Sequence[Phase], first: str) -> list[Phase]:
    """The phases that an undo back to `first` takes back, latest first."""
    start = position(phases, first) if first else 0
    standing = {phase for phase, _ in session.named("phases_not_undone")}
    return [phase for phase in reversed(phases[start:]) if phase.key in standing]


def _standing_scopes(session: Session) -> set[str]:
    """What runs that changed something, and are not undone, were limited to."""
    return {scope for phase, scope in session.named("phases_not_undone") if not phase.startswith("000")}


def preview_undo(first: str) -> list[str]:
    """The keys of the phases that would be undone, latest first."""
    phases = phases_of(current_plan())
    position(phases, first or phases[0].key)
    with open_session(read_only=True) as session:
        if not session.named("is_set_up")[0][0]:
            return []
        return [phase.key for phase in to_undo(session, phases, first)]


def undo_phases(first: str, archive: Path | None, listener: Listener) -> Result:
    """Take back every phase from the last to `first` (all, where empty). Raises UndoRefused before anything changes."""
    plan = current_plan()
    with open_session() as session, session.run_lock():
        bring_up_to_date()
        plan = touched(plan, _standing_scopes(session))
        wanted = to_undo(session, phases_of(plan), first)
        if not wanted:
            return Result("nothing_to_do", phases=phase_states(session))
        if _gate(session, phases_of(plan)[0], listener.waiting):
            raise PhaseRefused(phase="undo", count=1, log="manage.py migrate_tenants run --only 000")
        archived = undo.refuse_losses(session, wanted, archive)
        run_id, _ = _open_run(session, plan, Run.Kind.UNDO, wanted, resume=False)
        executor = Executor(session, run_id, listener, lambda: _check_stop(session, run_id))
        undone = Undone()
        with _accounting(session, run_id):
            for phase in wanted:
                session.named("spoil_phase", {"phase": phase.key, "error": Jsonb({"message": HALF_UNDONE})})
                undone.add(_undo_one(executor, phase))
        return Result(Run.Status.COMPLETED, run_id, phase_states(session), undone=undone, archived=archived)


def _undo_one(executor: Executor, phase: Phase) -> Undone:
    try:
        return undo.take_back(executor, phase)
    except psycopg.Error as error:
        raise executor.failed_outside(phase, error) from error


def stop(what: str, patience: float = 60) -> tuple[int, str]:
    """Ask the unfinished run to `pause` or `cancel`, and wait until it has: (its id, its status now).

    It stops between two batches; still `running` after `patience` seconds means that it has not come to one yet. A run
    whose process is gone is stopped from here. Raises NothingToStop.
    """
    after = {"pause": Run.Status.PAUSED, "cancel": Run.Status.CANCELLED}[what]
    with open_session() as session:
        session.named("read_as_operator")  # also the service's login may stop a run
        run_id = _unfinished(session)
        deadline = time.monotonic() + patience
        while (status := _status(session, run_id)) != after and time.monotonic() < deadline:
            if session.named("request_stop", {"id": run_id, "what": what}) and not session.run_lock_is_free():
                time.sleep(0.1)
            elif not _stop_from_here(session, run_id, after):
                break
        return run_id, status


def _unfinished(session: Session) -> int:
    found = session.named("unfinished_run") if session.named("is_set_up")[0][0] else []
    if not found:
        raise NothingToStop
    return int(found[0][0])


def _stop_from_here(session: Session, run_id: int, after: str) -> bool:
    """Move a run that nobody works on. Returns whether there was an arrow to follow: what is over stays as it is."""
    with session.run_lock():
        status = _status(session, run_id)
        if (status, after) not in transitions.ARROWS:
            return False
        _move(session, run_id, status, after)
        return True


def work(listener: Listener) -> int:
    """Help the active run with its tables until it is over; returns its id. Raises NothingToHelp, OtherPlan."""
    plan = current_plan()
    with open_session() as session:

        def phases(scope: str) -> Sequence[Phase]:
            return phases_of(narrowed(plan, Scope.of(scope)))

        return workers.help_along(session, phases, plan.digest, listener)


def tune(changes: dict[str, str]) -> dict[str, Any]:
    """Set limits (an empty value: the default again), also of a run at work; see `tuning.show`."""
    if changes:
        tuning.check(changes)
        bring_up_to_date()
    with open_session(read_only=not changes) as session:
        tuning.change(session, changes, _me())
        return tuning.show(session)


def disarm(reason: str, waiting: Callable[[str], None]) -> list[str]:
    """Open the fence for all but tenants, and write down who did and why; returns the tables. See `fence.disarm`."""
    if not reason.strip():
        raise fence.NoReason
    plan = current_plan()
    with open_session() as session, session.run_lock():
        if not session.named("is_set_up")[0][0]:
            raise fence.NeverClosed
        bring_up_to_date()
        return fence.disarm(session, plan, _me(), reason, waiting)


def rearm(reason: str, listener: Listener) -> Result:
    """Carry out 006 again, which closes what is open and ends with the attack run. Raises NoReason, NeverClosed."""
    if not reason.strip():
        raise fence.NoReason
    with open_session() as session:
        if not session.named("is_set_up")[0][0]:
            raise fence.NeverClosed
        tables = list(fence.closed_tables(session, current_plan()))
        audit.note(session, _me(), "rearm", reason, {"tables": tables})
    return run(Request(only=CLOSES), listener)


def _me() -> str:
    return f"{getpass.getuser()}@{socket.gethostname()}"


def resume(listener: Listener) -> Result:
    """Carry the unfinished run on to its end. Raises NothingToStop, PlanHasChanged, and what `run` does."""
    with open_session() as session:
        run_id = _unfinished(session)
        if session.named("unfinished_run")[0][1] == Run.Kind.UNDO:
            raise UndoToContinue(run=run_id)
    return advance(run_id, listener)


class UndoToContinue(EngineError):
    """Run {run} is an undo that was interrupted. It goes on with: manage.py migrate_tenants undo. To do the phases
    again instead: manage.py migrate_tenants"""

    exit_code = 2


class NothingToStop(EngineError):
    """There is no unfinished run: nothing to pause, resume or cancel. `manage.py migrate_tenants` starts one."""

    exit_code = 2


def status() -> dict[str, Any]:
    """How far the migration is; see `reading.status`. With the last rehearsal, where there was one."""
    plan = current_plan()
    with open_session(read_only=True) as session:
        states = phase_states(session) if session.named("is_set_up")[0][0] else []
        document = reading.status(session, plan, phases_of(plan), states)
        return document | {"rehearsal": records.last(session)}


@dataclass(frozen=True)
class RehearsalRequest:
    """What is asked of a rehearsal: how many rows of a table, where (server, embedded, or whichever there is), logs."""

    rows: int
    where: str
    log_dir: Path


def rehearse(request: RehearsalRequest, say: Callable[[str], None]) -> dict[str, Any]:
    """The migration, its undo and the migration again on a sampled copy; see `rehearsal.rehearse`.

    Writes nothing to the platform's database but the one row that remembers it. Raises EngineError where there can be
    no copy; what fails in the copy is the result.
    """
    plan = current_plan()
    with open_session() as keeper, keeper.run_lock():
        bring_up_to_date()
        completed = {state["phase"] for state in phase_states(keeper) if state["status"] == "completed"}
        refuse_where_begun(keeper, plan, completed)
        command = (
            sys.executable,
            str(settings.BASE_DIR / "manage.py"),
            "migrate_tenants",
            "--plan",
            str(settings.PLAN),
        )
        order = Order(
            rows=request.rows,
            where=request.where,
            params=_connection_params(),
            home=settings.HOME / "rehearsal",
            command=command,
            log_dir=request.log_dir.resolve() / "rehearsal",
        )
        with open_session(read_only=True) as source:
            document = Rehearsal(source, plan, phases_of(plan), order, say).hold()
        return records.note(keeper, _me(), plan.digest, document) | document


def _forecast_and_fact(session: Session, result: Result) -> dict[str, Any] | None:
    """What the last rehearsal of this plan foretold beside what has come; None where there was none. Never an error:
    the run is done, whatever may be said about it."""
    try:
        held = records.last(session, current_plan().digest)
        if held is None or not held["forecast"]:
            return None
        states = [state for state in result.phases if state["run"] == result.run]
        return forecast.compared(held["forecast"], states, measure.sizes(session)) | {"rehearsal": held["id"]}
    except (psycopg.Error, LookupError, TypeError, ValueError):
        return None


def preview(against: Path | None, waiting: Callable[[str], None]) -> dict[str, Any]:
    """What a run would do now, and what another plan would change of that; see `foresight`. Writes nothing."""
    plan, other = current_plan(), load(against) if against else None
    with open_session() as session:
        refuse_what_does_not_fit(session, plan)
        if other is not None:
            refuse_what_does_not_fit(session, other, "The other plan")
    with open_session(read_only=True) as session:
        document = foresight.preview(session, plan, waiting) | {"plan_file": str(settings.PLAN)}
        if other is not None:
            document["against"] = compare.against(session, plan, other, waiting) | {"plan_file": str(against)}
        return document


def init_plan(schemas: Sequence[str], root: str) -> str:
    """A starting plan for a database that has none; see `init_plan.draft`. Only reads."""
    with open_session(read_only=True) as session:
        return draft.draft(session, schemas, root)


def explain(table: str, key: str) -> dict[str, Any]:
    """Why a row is where it is; see `explaining`."""
    with open_session(read_only=True) as session:
        if not _has_tenants(session):
            raise OutOfOrder(phase="explain", needed="001_schema_fixes")
        return explaining.explain(session, current_plan(), table, key)


def suggest(table: str, rule: str) -> dict[str, Any]:
    """Rules proposed for rows that none, or only the fall-back rule, decides; see `workshop.suggest`. Only reads."""
    plan = current_plan()
    asked = reading.named(plan, table).relation if table else ""
    with open_session(read_only=True) as session:
        return workshop.suggest(session, plan, asked, rule)


def findings(wanted: Wanted, limit: int) -> dict[str, Any]:
    """What people should look at, by table and check, and the first single ones; see `findings.listing`."""
    with _findings(wanted) as found:
        return listing.document(found, limit) if found else {"findings": [], "rows": [], "left_out": 0}


def export_findings(wanted: Wanted, file: Path) -> int:
    """Write the open ones, to be filled in and given to `decide`; returns how many. Raises FileExistsError."""
    with _findings(wanted) as found:
        return sheets.write(file, listing.to_decide(found) if found else ())


@contextmanager
def _findings(wanted: Wanted) -> Iterator[listing.Findings | None]:
    plan = current_plan()
    with open_session(read_only=True) as session:
        found = listing.Findings(session, plan, phases_of(plan), wanted)
        yield found if session.named("is_set_up")[0][0] else None


def one_decision(table: str, key: str, tenant: str, *, reason: str) -> Source:
    return lambda: [Decision(0, table, key, tenant, reason.strip())]


def decisions_in(file: Path) -> Source:
    return partial(sheets.read, file)


def decide(
    source: Source, waiting: Callable[[str], None], *, who: str = "", seen: str = "", dry_run: bool = False
) -> dict[str, Any]:
    """People's decisions about rows, all or none; see `findings.decide`. Carried out at once where that is possible.

    `seen` is the token that a dry run has answered: what was decided since is not overruled unseen.
    """
    plan, who = current_plan(), who or _me()
    with open_session() as session:
        _let_decide(session)
        recorded = record(session, plan, source, who, seen=seen, dry_run=dry_run, waiting=waiting)
        document = recorded.document()
        if dry_run or not recorded.new:
            return document
        document |= carry_out.decided(session, plan, recorded.relations(), recorded.moment, who, waiting)
        return document | {"next": _next(session, plan)}


def withdraw(table: str, key: str, reason: str, waiting: Callable[[str], None], *, who: str = "") -> dict[str, Any]:
    """Take a decision back; see `findings.withdraw`."""
    plan, who = current_plan(), who or _me()
    with open_session() as session:
        _let_decide(session)
        document = withdrawals.withdraw(session, plan, table, key, who, reason, waiting)
        return document | {"next": _next(session, plan)}


def _let_decide(session: Session) -> None:
    """VITAL's tables are there; the service's login has no rights of its own and decides as vital_operator."""
    session.named("read_as_operator")
    if not session.named("is_set_up")[0][0]:
        bring_up_to_date()


def _next(session: Session, plan: Plan) -> str | None:
    """The first phase with something to do."""
    return next((phase.key for phase in pending(session, phases_of(plan))), None)


def rules_of_rows(relation: str, keys: list[str]) -> dict[str, str]:
    """The rule that put each of these rows where it is, as far as the ledger knows them."""
    with open_session(read_only=True) as session:
        if not session.named("is_set_up")[0][0]:
            return {}
        return {key: rule for key, rule, *_ in session.named("rules_of_rows", {"relation": relation, "keys": keys})}


class FenceIsOpen(EngineError):
    """The fence is not closed, so every tenant sees everything: there is nothing to prove. Close it with
    `manage.py migrate_tenants`, which ends with 006_row_level_security."""


class MayNotAttack(EngineError):
    """This login may not attack: {reason}. Nothing was changed. Let the owner of the tables run it, or a login that is
    a member of vital_tenant and vital_operator."""

    exit_code = 2


def attack(url: str, secret_name: str, waiting: Callable[[str], None]) -> Report:
    """Every tenant against every other's rows, over HTTP and in the database. Leaves nothing behind.

    The service comes first: an address or a secret that is wrong is told at once.
    """
    plan = current_plan()
    with open_session() as session:
        closed = {relation: bool(session.value(closing.there)) for relation, closing in closings(plan)}
    if not any(closed.values()):
        raise FenceIsOpen
    over_http = _attack_service(plan, url, secret_name)
    report = _attack_database(plan, waiting)
    report.open += [relation for relation, whole in closed.items() if not whole]
    report.merge(over_http)
    return report


def _attack_database(plan: Plan, waiting: Callable[[str], None]) -> Report:
    """See `isolation.database`."""
    with open_session() as session:
        try:
            return locks.retried(session, (), partial(database.prove, session, plan), waiting)
        except psycopg.errors.InsufficientPrivilege as error:
            raise MayNotAttack(reason=error.diag.message_primary) from error


class ServiceNotReached(EngineError):
    """The service at {url} cannot be attacked: {reason}. Its planted rows are removed. Check --url, and that the
    service is up and works on this database."""

    exit_code = 2


class NoSecret(EngineError):
    """The variable {name} is not set, so no tenant's token can be signed for {url}. Set it to the secret that the
    service checks its tokens with, or name another variable by --jwt-secret-env."""

    exit_code = 2


class TokensRefused(EngineError):
    """The service at {url} knows none of the tenants that were tried: {reason}. Nothing was proven. Compare the secret,
    VITAL_JWT_AUDIENCE and the database with the service's own."""

    exit_code = 2


def _attack_service(plan: Plan, url: str, secret_name: str) -> Report:
    """At this address, or else in this process."""
    secret = env_secret(secret_name)
    if not secret and url:
        raise NoSecret(name=secret_name, url=url)
    report = Report()
    if not secret:
        report.leave_out("the service", f"{secret_name} is not set: set it, and give --url for a live one")
        return report
    if not url and settings.DEMO:
        report.leave_out("the service in this process", "it is in demo mode, where anybody may name any tenant")
        return report
    with open_session() as session:
        if not url and not service.runs_here(session):
            why = "it needs the service's own login (manage.py create_login) in DATABASE_URL, or --url for a live one"
            report.leave_out("the service in this process", why)
            return report
    sign = tokens.signer(secret, settings.JWT_AUDIENCE, settings.JWT_ISSUER)
    try:
        caller = HttpCaller(url) if url else WsgiCaller(WSGIHandler())
        domain = settings.TENANT_DOMAIN or "localhost"
        report = service.prove(open_session, plan, caller, sign, domain)
    except (ValueError, OSError, HTTPException) as error:
        raise ServiceNotReached(url=url or "this process", reason=error) from error
    if url and not any(attempt.attacker != NOBODY.name for attempt in report.attempts):
        raise TokensRefused(url=url, reason=report.not_tried[0]["why"] if report.not_tried else "there is none")
    return report


def bypasses() -> dict[str, Any]:
    """What the fence does not cover; see `isolation.bypasses`. Only reads."""
    plan = current_plan()
    with open_session(read_only=True) as session:
        if not any(session.value(closing.there) for _, closing in closings(plan)):
            raise FenceIsOpen
        return ways_around.bypasses(session, plan)


def has_tenants() -> bool:
    """Whether the platform's tables have their tenant columns, which 001 adds and its undo takes away."""
    with open_session(read_only=True) as session:
        return _has_tenants(session)


def _has_tenants(session: Session) -> bool:
    if not session.named("is_set_up")[0][0]:
        return False
    return ("001_schema_fixes", "completed") in [(state["phase"], state["status"]) for state in phase_states(session)]
