"""`manage.py scale_plan`: what Citus or partitions would ask of the tables. A face over services/."""

import sys
from typing import Any

from django.core.management.base import CommandParser

from migrations_ops import services
from migrations_ops.management import face, show_scale_plan
from tenants.management.documented import Documented

EXAMPLES = """
examples:
  manage.py scale_plan                               over several servers with Citus: keys, tables, statements
  manage.py scale_plan --to partitions               big tables in partitions by tenant, in one server
  manage.py scale_plan --output scale.sql            the statements in a new file
  manage.py scale_plan --json                        one document: tables, keys, decide, know, statements, trial
"""


class Command(Documented):
    help = "Say what it would take to scale out by tenant, and try it on empty copies. Changes nothing."
    examples = EXAMPLES
    exit_codes = (
        "exit codes: 0 nothing stands in the way; 1 something is to be decided first, or a statement does not hold;\n"
        "            2 wrong usage, settings or connection, or not migrated yet"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--to", choices=services.SCALING_WAYS, default="citus", help="which way (default: citus)")
        parser.add_argument(
            "--least", type=int, default=1_000_000, metavar="ROWS", help="partitions: of tables with as many (1000000)"
        )
        parser.add_argument("--output", default="", metavar="FILE", help="the statements, into a new file")
        self.add_report_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        sys.exit(face.told(show_scale_plan.scale_plan, options, "scale_plan"))
