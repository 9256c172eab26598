"""Background work. A task is given a run's id and nothing else; all it knows it reads from the database."""

import logging
from pathlib import Path
from typing import Any

import psycopg
from celery import Task, shared_task
from celery.signals import worker_ready
from django.conf import settings
from kombu.exceptions import OperationalError as BrokerError
from redis.exceptions import RedisError

from migrations_ops.engine.events import Listeners
from migrations_ops.management.helper_processes import HelperStarter
from migrations_ops.runs import service as runs
from migrations_ops.runs.service import LogFiles
from vital.errors import AnotherRunIsActive, EngineError

LOOK_AGAIN = 10  # seconds between two looks for a run that nobody carries on
log = logging.getLogger("vital.worker")


@shared_task(acks_late=True, reject_on_worker_lost=True)
def advance(run_id: int) -> str:
    """Carry a run on to its end and return its status, or why it is not carried on.

    Delivered twice, or late, it does no harm: one at a time carries a run on, and only while it is to be.
    """
    helpers = HelperStarter(settings.HELPERS, lambda number: _send(help_along))
    try:
        return runs.advance(run_id, Listeners(LogFiles(Path(settings.LOG_DIR)), helpers)).status
    except AnotherRunIsActive:
        return "carried out by another worker"
    except EngineError as error:
        log.warning("run %s: %s", run_id, error)
        return str(error)


@shared_task(acks_late=True)
def help_along() -> int | None:
    """Share the tables of the run at work until it is over, and return its id; None where there is none."""
    try:
        return runs.work(Listeners())
    except runs.NothingToHelp:
        return None


@worker_ready.connect
def take_up_what_is_left(sender: Any, **_: object) -> None:
    """From its start, every worker looks now and then for a run whose worker is gone, or that Redis has lost."""
    look_for_abandoned_runs()
    sender.timer.call_repeatedly(LOOK_AGAIN, look_for_abandoned_runs)


def look_for_abandoned_runs() -> None:
    """Hand the run that workers are to carry out, and none does, to one. Where two see it, one carries it on."""
    try:
        run_id = runs.abandoned()
    except (psycopg.Error, EngineError) as error:
        log.warning("cannot look for abandoned runs: %s", error)
        return
    if run_id is not None:
        _send(advance, run_id, expires=LOOK_AGAIN)


def _send(task: "Task[Any, Any]", *arguments: int, **options: Any) -> None:
    """Whatever goes on here goes on where Redis is away: another look, or a person, asks again."""
    try:
        task.apply_async(arguments, retry=False, **options)
    except (BrokerError, RedisError, OSError) as error:
        log.warning("cannot send %s: %s", task.name, error)
