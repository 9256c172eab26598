"""Runs that a worker carries out: opened here, so that what is wrong is said at once, and handed over by their id.

What is handed over may be lost, with the worker or with Redis: the run stands in the database as one that workers carry
out, and `abandoned` finds it where none does.
"""

import os
import subprocess
import sys
import threading
from contextlib import suppress

from django.conf import settings

from migrations_ops.phase_state import DistributedNow, make_ready, open_session
from migrations_ops.runs.plan_drift import PlanHasChanged
from migrations_ops.runs.queries import NothingToStop, unfinished
from migrations_ops.runs.resume import reopened
from migrations_ops.runs.runner import Actor, Request, open_run
from migrations_ops.runs.undo import open_undo
from vital import private_files
from vital.db.own_schema import EarlierTables, NotSetUp
from vital.errors import EngineError, OutOfOrder

ADVANCE = "migrations_ops.tasks.advance"  # by its name: tasks stand on these services


def start_in_background(request: Request, *, who: str, reason: str = "") -> int | None:
    """Open a run for a worker and return its id; None where there is nothing to do.

    Raises what `open_run` does, RunIsNotOver and BrokerIsDown; nothing is left open then.
    """
    _refuse_without_broker()
    if not reason.strip():
        _refuse_beside_another()
    return _hand_over(open_run(request, Actor(who, reason, in_background=True)))


def undo_in_background(first: str, *, who: str, reason: str = "") -> int | None:
    """Open an undo back to the phase `first` (all, where empty) for a worker; None where there is nothing to undo."""
    _refuse_without_broker()
    return _hand_over(open_undo(first, Actor(who, reason, in_background=True)))


def resume_in_background(*, who: str, reason: str = "", run: int | None = None) -> int:
    """Let a worker go on with the unfinished run, or undo, and return its id. Raises NothingToStop, also where another
    than `run` is unfinished, and PlanHasChanged."""
    _refuse_without_broker()
    with open_session() as session, session.run_lock():
        make_ready(session)
        reopened_run, _ = reopened(session, Actor(who, reason, in_background=True), run)
    _hand_over(reopened_run.id)
    return reopened_run.id


def abandoned() -> int | None:
    """The run that workers are to carry out and that none does: its worker was killed, or it was never delivered."""
    with open_session() as session:
        session.read_as_operator()
        if not session.named("is_set_up")[0][0] or session.named("is_of_an_earlier_vital")[0][0]:
            return None
        left = session.named("left_to_workers")
        return int(left[0][0]) if left and session.run_lock_is_free() else None


class BrokerIsDown(EngineError):
    """Redis cannot be reached, so no worker would see the run. Nothing was started. Start Redis again, or see
    REDIS_URL; what runs already continues. From a terminal it works without: ./manage.py migrate_tenants"""


class RunIsNotOver(EngineError):
    """Run {run} is {status}, and a start would resume or cancel it. Nothing was started. Resume it (./manage.py
    migrate_tenants resume, or POST /api/migrations/runs/{run}/resume), cancel it, or start with a reason."""


def _refuse_beside_another() -> None:
    """Nobody resumes or cancels a run without knowing: raise RunIsNotOver."""
    with open_session() as session:
        session.read_as_operator()
        found = unfinished(session)
    if found:
        raise RunIsNotOver(run=found.id, status=found.status)


# What is right as it is asked, and cannot be just now.
NOT_NOW = (RunIsNotOver, NothingToStop, OutOfOrder, PlanHasChanged, NotSetUp, EarlierTables, DistributedNow)


def _refuse_without_broker() -> None:
    """Before anything is opened. Raises BrokerIsDown."""
    if not settings.REDIS_URL:
        return
    from vital.celery import app  # of no use to anybody without Redis, and slow to import

    try:
        with app.connection_for_write() as broker:
            broker.ensure_connection(max_retries=1, timeout=2)
    except _broker_errors() as error:
        raise BrokerIsDown from error


def _broker_errors() -> tuple[type[Exception], ...]:
    """What it raises that Redis is not there. Imported when it is needed: no command waits for it."""
    from kombu.exceptions import OperationalError
    from redis.exceptions import RedisError

    return OperationalError, RedisError, OSError


def _hand_over(run_id: int | None) -> int | None:
    if run_id is None:
        return None
    if settings.REDIS_URL:
        _to_celery(run_id)
    else:
        _to_a_process(run_id)
    return run_id


def _to_celery(run_id: int) -> None:
    """Redis answered a moment ago; where it does not any more, a worker finds the run once it does."""
    from vital.celery import app

    with suppress(*_broker_errors()):
        app.send_task(ADVANCE, [run_id], retry=False)


def _to_a_process(run_id: int) -> None:
    """A process that outlives this one, and works as commands do: not as the service's login."""
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "worker", "--run", str(run_id)]
    environment = {name: value for name, value in os.environ.items() if name != "VITAL_SERVING"}
    plan = {"VITAL_PLAN": str(settings.PLAN)} if settings.PLAN_IS_NAMED else {}
    with private_files.process_log(settings.LOG_DIR / "worker.log") as log:
        process = subprocess.Popen(
            command, env=environment | plan, stdin=subprocess.DEVNULL, stdout=log,
            stderr=log, start_new_session=True,
        )  # fmt: skip
    threading.Thread(target=process.wait, daemon=True).start()  # buried when it ends, wherever this process lives on
