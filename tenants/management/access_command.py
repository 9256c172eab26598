"""What the commands about logins and keys have in common: help, one line for each failure, exit codes."""

import json
from typing import Any

import psycopg
from django.core.management import call_command
from django.core.management.base import CommandError, CommandParser
from django.db import DatabaseError, OperationalError

from tenants.exits import fail
from tenants.management.base_command import Documented

FAILED, REFUSED, INTERRUPTED = 1, 2, 3


class AccessCommand(Documented):
    """Does one thing to who may come in."""

    exit_codes = "exit codes: 0 done; 1 the database refused; 2 wrong usage, settings or connection; 3 Ctrl-C"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON document on stdout, also for errors")

    def act(self, options: dict[str, Any]) -> dict[str, Any]:
        """What there is to say, as a document. Raises Refused."""
        raise NotImplementedError

    def text(self, document: dict[str, Any]) -> str:
        """The same for people, or for `$(…)`: a secret stands alone."""
        return str(next(iter(document.values())))

    def handle(self, *args: Any, **options: Any) -> None:
        as_json = options["json"]
        try:
            call_command("migrate", verbosity=0, interactive=False)  # VITAL's own tables of this version
            document = self.act(options)
        except (Refused, OperationalError) as error:
            fail(error, REFUSED, as_json=as_json)
        except (DatabaseError, psycopg.Error, CommandError) as error:
            fail(error, FAILED, as_json=as_json)
        except KeyboardInterrupt:
            fail("interrupted; nothing was changed.", INTERRUPTED, as_json=as_json)
        self.stdout.write(json.dumps(document, default=str, indent=2) if as_json else self.text(document))


class Refused(Exception):
    """What was asked for cannot be done as it was said."""
