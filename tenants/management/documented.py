"""What every command of ours has in common: help that ends with examples and exit codes, and no checks before it."""

import json
import sys
from argparse import RawDescriptionHelpFormatter
from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandParser


class Documented(BaseCommand):
    """`examples` stands below the options, as it is written, and `exit_codes` below that."""

    requires_system_checks = ()
    requires_migrations_checks = False
    examples = ""
    exit_codes = ""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        epilog = "\n\n".join(part.strip("\n") for part in (self.examples, self.exit_codes) if part)
        kwargs |= {"epilog": epilog, "formatter_class": RawDescriptionHelpFormatter}
        return super().create_parser(prog_name, subcommand, **kwargs)

    def add_report_arguments(self, parser: CommandParser) -> None:
        """Of a command that says something."""
        parser.add_argument("--json", action="store_true", help="one JSON document on stdout instead of a report")
        parser.add_argument("--log-dir", default="logs", metavar="DIR", help="where unexpected errors are written")


def fail(error: object, code: int, *, as_json: bool = False) -> NoReturn:
    """One line on stderr, or one document on stdout, and out."""
    said = " ".join(str(error).split())
    if as_json:
        print(json.dumps({"error": said, "exit_code": code}, ensure_ascii=False))
    else:
        print("error:", said, file=sys.stderr)
    sys.exit(code)
