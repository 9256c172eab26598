"""What the commands that fill the legacy tables have in common."""

from typing import Any

from django.core.management.base import CommandParser
from django.db import connection
from rich.console import Console

from catalog import report
from catalog.report import Filled
from vital.cli.base_command import PlainCommand
from vital.cli.exit_codes import DONE, Answer, Document


class FillCommand(PlainCommand):
    """Prints what `fill` has filled."""

    exit_codes = "exit codes: 0 filled; 1 the database refused; 2 wrong usage, input or connection; 3 Ctrl-C"
    filled: list[Filled]

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON document instead of a table")

    def fill(self, options: dict[str, Any]) -> list[Filled]:
        raise NotImplementedError

    def act(self, options: dict[str, Any], console: Console) -> Answer:
        connection.ensure_connection()
        self.filled = self.fill(options)
        more = {"seed": options["seed"]} if "seed" in options else {}
        return report.document(self.filled, **more), DONE

    def text(self, document: Document) -> str:
        return report.as_text(self.filled)
