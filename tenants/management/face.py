"""What the commands about logins and keys have in common: help, one line for each failure, exit codes."""

import sys
from argparse import RawDescriptionHelpFormatter
from typing import Any, NoReturn

import psycopg
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError, OperationalError

FAILED, REFUSED = 1, 2


class AccessCommand(BaseCommand):
    """Does one thing to who may come in. Exit codes: 1 the database refused, 2 wrong usage or connection."""

    requires_system_checks = ()
    requires_migrations_checks = False
    examples = ""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        kwargs |= {"epilog": self.examples, "formatter_class": RawDescriptionHelpFormatter}
        return super().create_parser(prog_name, subcommand, **kwargs)

    def act(self, options: dict[str, Any]) -> str:
        """What is to be printed on stdout. Raises Refused."""
        raise NotImplementedError

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            call_command("migrate", verbosity=0, interactive=False)  # VITAL's own tables of this version
            self.stdout.write(self.act(options))
        except Refused as error:
            fail(error, REFUSED)
        except OperationalError as error:
            fail(error, REFUSED)
        except (DatabaseError, psycopg.Error) as error:
            fail(error, FAILED)


class Refused(Exception):
    """What was asked for cannot be done as it was said."""


def fail(error: object, code: int) -> NoReturn:
    """One line on stderr, and out."""
    print("error:", " ".join(str(error).split()), file=sys.stderr)
    sys.exit(code)
