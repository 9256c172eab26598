"""`./manage.py worker`: carries out what was started in the background. A thin face over services/."""

import sys
from typing import Any

from django.core.management.base import CommandParser

from migrations_ops.management import worker
from tenants.management.base_command import Documented

EXAMPLES = """
examples:
  ./manage.py worker                  wait for runs and carry them out; several may, also on several machines
  ./manage.py worker --run 12         carry this run out, and end

exit codes: 0 stopped by SIGTERM or Ctrl-C, or the run is done; 1 the run failed, or another process carries it out;
            2 wrong settings or connection; 3 somebody stopped the run
"""


class Command(Documented):
    help = "Carry out the runs that were started in the background: over REST, in the admin, or with --background."
    examples = EXAMPLES

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--run", type=int, default=0, metavar="ID", help="this run alone, without Redis")

    def handle(self, *args: Any, **options: Any) -> None:
        sys.exit(worker.answer(options["run"]))
