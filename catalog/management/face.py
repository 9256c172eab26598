"""What the commands that fill the legacy tables have in common: output, errors, exit codes."""

from typing import Any

import psycopg
from django.core.management.base import CommandParser
from django.db import DatabaseError, connection

from catalog import report
from catalog.errors import LegacyError
from catalog.report import Filled
from tenants.exits import fail
from tenants.management.base_command import Documented

FAILED, REFUSED, INTERRUPTED = 1, 2, 3


class FillCommand(Documented):
    """Prints what `fill` has filled. Every failure is one line on stderr."""

    exit_codes = "exit codes: 0 filled; 1 the database refused; 2 wrong usage, input or connection; 3 Ctrl-C"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON document instead of a table")

    def fill(self, options: dict[str, Any]) -> list[Filled]:
        raise NotImplementedError

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            connection.ensure_connection()
        except DatabaseError as error:
            fail(error, REFUSED, as_json=options["json"])
        try:
            filled = self.fill(options)
        except LegacyError as error:
            fail(error, error.exit_code, as_json=options["json"])
        except (DatabaseError, psycopg.Error) as error:
            fail(error, FAILED, as_json=options["json"])
        except KeyboardInterrupt:
            fail("interrupted; nothing was changed.", INTERRUPTED, as_json=options["json"])
        more = {"seed": options["seed"]} if "seed" in options else {}
        self.stdout.write(report.as_json(filled, **more) if options["json"] else report.as_text(filled))
