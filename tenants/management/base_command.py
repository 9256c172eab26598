"""What every command of ours has in common: help that ends with examples and exit codes, and no checks before it."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from tenants.parsing import Parser


class Documented(BaseCommand):
    """`examples` stands below the options, as it is written, and `exit_codes` below that."""

    requires_system_checks = ()
    requires_migrations_checks = False
    examples = ""
    exit_codes = ""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Parser:
        epilog = "\n\n".join(part.strip("\n") for part in (self.examples, self.exit_codes) if part)
        parser = Parser(
            prog=f"./{Path(prog_name).name} {subcommand}",
            description=self.help or None,
            epilog=epilog,
            called_from_command_line=getattr(self, "_called_from_command_line", None),
            **kwargs,
        )
        self.add_arguments(parser)
        return parser

    def add_report_arguments(self, parser: CommandParser) -> None:
        """Of a command that says something."""
        parser.add_argument("--json", action="store_true", help="one JSON document on stdout instead of a report")
        parser.add_argument("--log-dir", default="logs", metavar="DIR", help="where unexpected errors are written")
