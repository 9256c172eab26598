"""`./manage.py worker`: carries out what was started in the background."""

import os
import signal
import sys

from django.conf import settings
from django.core.management.base import CommandParser
from rich.console import Console

from migrations_ops.engine.events import Listeners
from migrations_ops.management.helper_processes import helped
from migrations_ops.management.output.run import result_document, show_result
from migrations_ops.management.output.terminal import shown_on
from migrations_ops.runs import service as runs
from migrations_ops.runs.service import LogFiles
from vital.cli.base_command import Options, VitalCommand
from vital.cli.exit_codes import DONE, USAGE, Answer

EXAMPLES = """
examples:
  ./manage.py worker                  a worker of Celery, for REDIS_URL; several may, also on several machines
  ./manage.py worker --run 12         carry this run out here, and end; what a run is handed to without Redis

exit codes: 0 stopped by SIGTERM or Ctrl-C, or the run is done; 1 the run failed, or another process carries it out;
            2 wrong settings or connection, or there is no Redis; 3 the run was stopped
"""
CELERY = ["-m", "celery", "-A", "vital", "worker", "--loglevel", "info", "--without-gossip", "--without-mingle"]
# A run may take hours, and whoever comes next goes on with it: SIGTERM does not wait for its end.
SOON = {"REMAP_SIGTERM": "SIGQUIT"}
NO_REDIS = (
    "There is no REDIS_URL, and without Redis nobody waits for runs: whoever starts one starts a process for it. Set "
    "REDIS_URL for workers; a run whose process is gone goes on with ./manage.py migrate_tenants resume --background."
)


class Command(VitalCommand):
    help = "Carry out the runs that were started in the background: over REST, in the admin, or with --background."
    examples = EXAMPLES

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--run", type=int, default=0, metavar="ID", help="this run alone, without Redis")

    def act(self, options: Options, console: Console) -> Answer:
        if options["run"]:
            return _carry_out(options["run"], console)
        if not settings.REDIS_URL:
            return {"error": NO_REDIS}, USAGE
        environment = os.environ | SOON | {"PYTHONPATH": str(settings.BASE_DIR)}
        os.execve(sys.executable, [sys.executable, *CELERY], environment)  # noqa: S606  # our own interpreter


def _carry_out(run_id: int, console: Console) -> Answer:
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, _leave)
    with helped(settings.HELPERS, settings.LOG_DIR, console) as helpers, shown_on(console) as terminal:
        result = runs.advance(run_id, Listeners(terminal, LogFiles(settings.LOG_DIR), helpers))
    show_result(console, result)
    return result_document(result), DONE


def _leave(*_: object) -> None:
    """At once, as if killed: nothing is lost, and the run is not stopped but can be resumed."""
    os._exit(DONE)
