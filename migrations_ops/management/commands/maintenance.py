"""`manage.py maintenance`: the API reads and does not write, until it is off again. A face over services/."""

import sys
from typing import Any

from django.core.management.base import CommandParser

from migrations_ops.management import face, maintenance
from tenants.management.documented import Documented

EXAMPLES = """
examples:
  manage.py maintenance on --reason "restoring"  within a second writes get 503, reads go on
  manage.py maintenance off                      as before
  manage.py maintenance status --json            on, since, by, reason
  manage.py migrate_tenants --maintenance        both ends of a run by itself

exit codes: 0 done; 2 wrong usage, settings or connection
"""


class Command(Documented):
    help = "Let the API read and not write: within a second, in every process of the service."
    examples = EXAMPLES

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("state", choices=["on", "off", "status"], help="what to do")
        parser.add_argument("--reason", default="", metavar="TEXT", help="why; it is written down, and needed for `on`")
        self.add_report_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        sys.exit(face.told(maintenance.maintenance, options, "maintenance"))
