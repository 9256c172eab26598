"""`./manage.py prove_isolation`: proves, or refutes, that no tenant reaches another's rows."""

import sys
from typing import Any

from django.core.management.base import CommandParser

from migrations_ops.management import isolation
from tenants.management.base_command import Documented

EXAMPLES = """
examples:
  ./manage.py prove_isolation                      attack the database; nothing is planted for real
  ./manage.py prove_isolation --json               one document: leaks, attacks, not_tried, matrix
  ./manage.py prove_isolation --bypasses           what the fence does not cover: roles, functions, views, tables
  ./manage.py prove_isolation --url https://api.example.org --jwt-secret-env SUPABASE_JWT_SECRET
                                                 the database and the live service, with rows planted and removed

exit codes: 0 held; 1 a leak, something reached that the plan does not allow, or the fence is not closed;
            2 wrong usage, settings, connection or password;
            4 held as far as it was tried: the budget was used up before every tenant had its turn
"""


class Command(Documented):
    help = "Attack the database and the service as every tenant, and show whether one reaches another's rows."
    examples = EXAMPLES

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--bypasses", action="store_true", help="list what the fence does not cover; only reads")
        parser.add_argument(
            "--sql", action="store_true", help="print what would take the tables from all other roles; runs nothing"
        )
        parser.add_argument("--url", default="", help="attack the live service at this address as well")
        parser.add_argument(
            "--jwt-secret-env",
            default="SUPABASE_JWT_SECRET",
            metavar="NAME",
            help="the variable that holds the secret of its tokens (default: SUPABASE_JWT_SECRET)",
        )
        parser.add_argument(
            "--budget",
            type=float,
            default=60.0,
            metavar="SECONDS",
            help="for the database: each tenant against one other, and a dozen against each other (default: 60)",
        )
        parser.add_argument("--all-pairs", action="store_true", help="each tenant against each other, without a budget")
        self.add_report_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        sys.exit(isolation.answer(options))
