"""`manage.py ledger`: how much is remembered, and what need not be any more. A face over services/."""

import sys
from typing import Any

from django.core.management.base import CommandParser

from migrations_ops.management import face, ledger
from tenants.management.documented import Documented

EXAMPLES = """
examples:
  manage.py ledger                                        how much is remembered about each table
  manage.py ledger purge --undone-before 90 --reason "retention"   entries that were undone more than 90 days ago
  manage.py ledger purge --dry-run                        how many that would be
  manage.py ledger forget users KEY --reason "erasure request"     a deleted person's key, wherever it is remembered

exit codes: 0 done; 1 another run is active; 2 wrong usage, settings or connection, or the row is still there
"""


class Command(Documented):
    help = "Show how much is remembered of what runs changed, and let go what no undo needs."
    examples = EXAMPLES

    def add_arguments(self, parser: CommandParser) -> None:
        add = parser.add_argument
        add("verb", nargs="?", default="size", choices=["size", "purge", "forget"], help="what to do (default: size)")
        add("words", nargs="*", help="forget: TABLE KEY")
        add("--undone-before", type=int, default=90, metavar="DAYS", help="purge: undone longer ago than that (90)")
        add("--reason", default="", metavar="TEXT", help="why; it is written down")
        add("--dry-run", action="store_true", help="purge: say how many, and keep them")
        self.add_report_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        sys.exit(face.told(ledger.ledger, options, "ledger"))
