"""What the commands about logins and keys have in common: help, one line for each failure, exit codes."""

import sys
from typing import Any, NoReturn

import psycopg
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import DatabaseError, OperationalError

from tenants.management.documented import Documented

FAILED, REFUSED, INTERRUPTED = 1, 2, 3


class AccessCommand(Documented):
    """Does one thing to who may come in."""

    exit_codes = "exit codes: 0 done; 1 the database refused; 2 wrong usage, settings or connection; 3 Ctrl-C"

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
        except (DatabaseError, psycopg.Error, CommandError) as error:
            fail(error, FAILED)
        except KeyboardInterrupt:
            fail("interrupted; nothing was changed.", INTERRUPTED)


class Refused(Exception):
    """What was asked for cannot be done as it was said."""


def fail(error: object, code: int) -> NoReturn:
    """One line on stderr, and out."""
    print("error:", " ".join(str(error).split()), file=sys.stderr)
    sys.exit(code)
