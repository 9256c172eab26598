"""`./manage.py doctor`: what could go wrong, and what to do about it."""

import sys
from typing import Any

from django.core.management.base import CommandParser

from migrations_ops.management import doctor, face
from tenants.management.base_command import Documented

EXAMPLES = """
examples:
  ./manage.py doctor           settings, roles, versions, plan, indexes, fence: each with a fix
  ./manage.py doctor --json    the same for a machine

exit codes: 0 nothing fails; 1 something fails; 2 wrong usage
"""


class Command(Documented):
    help = "Look at everything that could go wrong, and say what to do about it. Changes nothing."
    examples = EXAMPLES

    def add_arguments(self, parser: CommandParser) -> None:
        self.add_report_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        sys.exit(face.told(doctor.doctor, options, "doctor"))
