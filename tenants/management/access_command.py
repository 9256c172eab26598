"""What the commands about logins and keys have in common."""

from typing import Any

from django.core.management import call_command
from django.core.management.base import CommandParser
from rich.console import Console

from vital.cli.base_command import PlainCommand
from vital.cli.exit_codes import DONE, Answer


class AccessCommand(PlainCommand):
    """Does one thing to who may come in."""

    exit_codes = "exit codes: 0 done; 1 the database refused; 2 wrong usage, settings or connection; 3 Ctrl-C"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON document on stdout, also for errors")

    def change(self, options: dict[str, Any]) -> dict[str, Any]:
        """Do it; what there is to say, as a document. Raises Refused."""
        raise NotImplementedError

    def act(self, options: dict[str, Any], console: Console) -> Answer:
        call_command("migrate", verbosity=0, interactive=False)  # VITAL's own tables of this version
        return self.change(options), DONE


class Refused(Exception):
    """What was asked for cannot be done as it was said."""

    exit_code = 2
