"""`./manage.py monitor`: the hours after a migration, watched."""

import sys
from typing import Any

from django.core.management.base import CommandParser

from migrations_ops.management import face, monitor
from tenants.management.base_command import Documented

EXAMPLES = """
examples:
  ./manage.py monitor --for 24h --report first-day.md --url https://api.example.org
  ./manage.py monitor --once --json                       one look, for a machine
  VITAL_METRICS_KEY=… ./manage.py monitor --url …         also 5xx by endpoint and tenant (a key of the scope metrics)

exit codes: 0 all was calm; 1 something is to be looked at; 2 wrong usage or settings; 3 Ctrl-C, the report is partial
"""


class Command(Documented):
    help = "Watch a migrated platform: errors, connections, locks, rows without a tenant, late writers, the fence."
    examples = EXAMPLES

    def add_arguments(self, parser: CommandParser) -> None:
        add = parser.add_argument
        add("--for", default="24h", metavar="TIME", help="how long: 30s, 10m, 24h (default: 24h)")
        add("--every", default="2s", metavar="TIME", help="between two looks (default: 2s)")
        add("--once", action="store_true", help="one look, and end")
        add("--report", default="", metavar="FILE", help="what was seen, as text or (.json) as JSON")
        add("--url", default="", metavar="URL", help="the service's address; else the database alone is watched")
        add("--json", action="store_true", help="one JSON document on stdout in the end instead of a report")
        add("--log-dir", default="logs", metavar="DIR", help="where unexpected errors are written")

    def handle(self, *args: Any, **options: Any) -> None:
        sys.exit(face.told(monitor.monitor, options, "monitor"))
