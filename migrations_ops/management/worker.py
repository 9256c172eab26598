"""The face of `./manage.py worker`: with Redis it is Celery's, without it asks the database for runs."""

import os
import signal
import sys
import time
from collections.abc import Callable
from functools import partial

from django.conf import settings
from rich.console import Console

from migrations_ops.engine.events import Listeners
from migrations_ops.management import show
from migrations_ops.management.answers import DONE, Answer, Options
from migrations_ops.management.control import shown
from migrations_ops.management.face import guarded
from migrations_ops.management.helpers import helped
from migrations_ops.management.terminal import Terminal
from migrations_ops.runs import service as runs
from migrations_ops.runs.service import LogFiles

LOOK_AGAIN = 5  # seconds
CELERY = ["-m", "celery", "-A", "vital", "worker", "--loglevel", "info", "--without-gossip", "--without-mingle"]
# A run may take hours, and whoever comes next goes on with it: SIGTERM does not wait for its end.
SOON = {"REMAP_SIGTERM": "SIGQUIT"}


def answer(run_id: int) -> int:
    """Carry this run out and return the exit code; where it is 0, wait for runs until a signal ends the process."""
    if settings.REDIS_URL and not run_id:
        environment = os.environ | SOON | {"PYTHONPATH": str(settings.BASE_DIR)}
        os.execve(sys.executable, [sys.executable, *CELERY], environment)  # noqa: S606  # our own interpreter
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, _leave)
    console = Console(soft_wrap=True)
    if run_id:
        return _told(partial(_carry_out, run_id), console)
    console.print(f"Waiting for runs. There is no REDIS_URL: the database is asked every {LOOK_AGAIN} seconds.")
    while True:
        _told(_carry_out_what_is_left, console)
        time.sleep(LOOK_AGAIN)


def _leave(*_: object) -> None:
    """At once, as if killed: nothing is lost, and the run is not stopped but taken up by the next worker."""
    os._exit(DONE)


def _told(act: Callable[[Options, Console], Answer], console: Console) -> int:
    document, code = guarded(act, {"log_dir": settings.LOG_DIR}, console)
    if "error" in document:
        show.error(Console(stderr=True, soft_wrap=True), document)
    return code


def _carry_out_what_is_left(options: Options, console: Console) -> Answer:
    run_id = runs.abandoned()
    return _carry_out(run_id, options, console) if run_id else ({}, DONE)


def _carry_out(run_id: int, options: Options, console: Console) -> Answer:
    with helped(settings.HELPERS, settings.LOG_DIR, console) as helpers:
        result = runs.advance(run_id, Listeners(Terminal(console), LogFiles(settings.LOG_DIR), helpers))
    shown(console, result)
    return show.result(result), DONE
