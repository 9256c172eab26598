"""`./manage.py monitor`: the hours after a migration, watched."""

import re
from pathlib import Path

from django.core.management.base import CommandParser
from rich.console import Console
from rich.live import Live

from migrations_ops.diagnostics import service as diagnostics
from migrations_ops.management.output.monitor import show_tally, tally_table
from vital.cli.base_command import Options, VitalCommand
from vital.cli.exit_codes import DONE, FAILED, STOPPED, USAGE, Answer
from vital.env import env_text

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
EXAMPLES = """
examples:
  ./manage.py monitor --for 24h --report first-day.md --url https://api.example.org
  ./manage.py monitor --once --json                       one look, for a machine
  VITAL_METRICS_KEY=… ./manage.py monitor --url …         also 5xx by endpoint and tenant (a key of the scope metrics)

exit codes: 0 no problem was found; 1 some were found; 2 wrong usage or settings; 3 Ctrl-C, the report is partial
"""


class Command(VitalCommand):
    help = "Watch a migrated platform: errors, connections, locks, rows without a tenant, legacy writers, isolation."
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

    def head(self, options: Options) -> dict[str, str]:
        return {"verb": "monitor"}

    def act(self, options: Options, console: Console) -> Answer:
        seconds, every = duration(options["for"]), duration(options["every"])
        if seconds is None or not every:
            return {"error": "--for and --every are times such as 30s, 10m, 24h."}, USAGE
        file = Path(options["report"]) if options["report"] else None
        tally, stopped = None, False
        with Live(console=console, refresh_per_second=4, transient=True) as live:
            try:
                for tally in diagnostics.watch(
                    0 if options["once"] else seconds, every, options["url"], env_text("VITAL_METRICS_KEY")
                ):
                    live.update(tally_table(tally), refresh=True)
            except KeyboardInterrupt:
                stopped = True
        if tally is None:
            return {"error": "Stopped before the first look."}, STOPPED
        if file:
            diagnostics.write_report(tally, file, partial=stopped)
            console.print(f"The report is in {file}.", highlight=False)
        show_tally(console, tally)
        document = tally.document(partial=stopped)
        return document, STOPPED if stopped else FAILED if document["worries"] else DONE


def duration(text: str) -> float | None:
    """Seconds; None where it is no time."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd]?)", text)
    return float(found[1]) * UNITS[found[2] or "s"] if found else None
