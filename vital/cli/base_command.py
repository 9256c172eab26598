"""What every command of ours has in common: help that ends with examples and exit codes, no checks before it, and one
way out of every error (exit_codes.py)."""

import json
import logging
import signal
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from rich.console import Console

from vital.cli.exit_codes import INTERRUPTED, Answer, Document, guarded, tell
from vital.cli.parser import Parser

Options = dict[str, Any]


class VitalCommand(BaseCommand):
    """`act` does it. `examples` stands below the options, as it is written, and `exit_codes` below that."""

    requires_system_checks = ()
    requires_migrations_checks = False
    examples = ""
    exit_codes = ""
    interrupted = INTERRUPTED

    def act(self, options: Options, console: Console) -> Answer:
        """Do it and answer with a document and an exit code. Whatever it raises becomes one sentence and its code."""
        raise NotImplementedError

    def head(self, options: Options) -> dict[str, str]:
        """What the document for machines begins with."""
        return {}

    def tell(self, document: Document, code: int, options: Options) -> None:
        """Say what came of it, where `act` has not."""
        tell(document, code, as_json=options.get("json", False), **self.head(options))

    def handle(self, *args: Any, **options: Any) -> None:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        logging.getLogger("psycopg").setLevel(logging.ERROR)  # it warns of the connection that Ctrl-C has broken off
        console = Console(stderr=options.get("json", False), soft_wrap=True)
        log_dir = Path(options["log_dir"]) if options.get("log_dir") else None
        document, code = guarded(lambda: self.act(options, console), self.interrupted, log_dir)
        self.tell(document, code, options)
        if code:
            sys.exit(code)

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


class PlainCommand(VitalCommand):
    """Prints what it has made and nothing else, so that a script can take it: `$(…)`, or one JSON document."""

    interrupted = "interrupted; nothing was changed."

    def text(self, document: Document) -> str:
        """What it has made, for people; a secret stands alone."""
        return str(next(iter(document.values())))

    def tell(self, document: Document, code: int, options: Options) -> None:
        if code:
            super().tell(document, code, options)
        else:
            self.stdout.write(json.dumps(document, default=str, indent=2) if options["json"] else self.text(document))
