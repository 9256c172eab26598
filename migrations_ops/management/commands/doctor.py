"""`manage.py doctor`: what could go wrong, and what to do about it. A face over services/."""

import sys
from argparse import RawDescriptionHelpFormatter
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from migrations_ops.management import doctor, face

EXAMPLES = """
examples:
  manage.py doctor           settings, roles, versions, plan, indexes, fence: each with a fix
  manage.py doctor --json    the same for a machine

exit codes: 0 nothing fails; 1 something fails; 2 wrong usage
"""


class Command(BaseCommand):
    help = "Look at everything that could go wrong, and say what to do about it. Changes nothing."
    requires_system_checks = ()
    requires_migrations_checks = False

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        kwargs |= {"epilog": EXAMPLES, "formatter_class": RawDescriptionHelpFormatter}
        return super().create_parser(prog_name, subcommand, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON document on stdout instead of a report")
        parser.add_argument("--log-dir", default="logs", metavar="DIR", help="where unexpected errors are written")

    def handle(self, *args: Any, **options: Any) -> None:
        sys.exit(face.told(doctor.doctor, options, "doctor"))
