"""The face of prove_isolation: call the service, show what it found. Every error ends here as one sentence."""

import json
import logging
import signal
import sys
from pathlib import Path
from typing import Any

import psycopg
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError
from rich.console import Console

from migrations_ops.management import show, show_isolation
from migrations_ops.rules.service import PlanError
from tenants.isolation import service as isolation
from vital.db.embedded import EmbeddedError
from vital.errors import EngineError

Options = dict[str, Any]
HELD, LEAK, USAGE, INCOMPLETE = 0, 1, 2, 4


def answer(options: Options) -> int:
    """Do what the command line asks for and return the exit code."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what is planted for the service is removed
    logging.getLogger("psycopg").setLevel(logging.ERROR)  # it warns of the connection that Ctrl-C has broken off
    import structlog  # slow to import, and the command's help needs it not

    # The service in this process has nothing to tell of refusals: they are what is wanted.
    logging.getLogger("django.request").setLevel(logging.CRITICAL)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    document, code = _guarded(options, Console(stderr=options["json"], soft_wrap=True))
    if options["json"]:
        sys.stdout.write(json.dumps({"exit_code": code} | document, default=str, ensure_ascii=False, indent=2) + "\n")
    elif "error" in document:
        show.error(Console(stderr=True, soft_wrap=True), document)
    return code


def _guarded(options: Options, console: Console) -> tuple[dict[str, Any], int]:
    try:
        return _bypasses(options, console) if options["bypasses"] or options["sql"] else _attack(options, console)
    except EngineError as error:
        return {"error": str(error)}, error.exit_code
    except (PlanError, ImproperlyConfigured, EmbeddedError) as error:
        return {"error": str(error)}, USAGE
    except KeyboardInterrupt:
        return {"error": "Stopped. Nothing was proven, and nothing of it is left in the database."}, USAGE
    except (psycopg.Error, DatabaseError, OSError) as error:
        return show.database_error(error)
    except Exception as error:
        return show.unexpected(error, Path(options["log_dir"]))


def _attack(options: Options, console: Console) -> tuple[dict[str, Any], int]:
    def waiting(why: str) -> None:
        console.print(f"waits for {why}", highlight=False)

    how = {"budget": options["budget"], "all_pairs": options["all_pairs"]}
    report = isolation.attack(options["url"], options["jwt_secret_env"], waiting, **how)
    document = report.document()
    if not options["json"]:
        show_isolation.report(console, document)
    return document, (HELD if report.complete else INCOMPLETE) if report.holds else LEAK


def _bypasses(options: Options, console: Console) -> tuple[dict[str, Any], int]:
    if options["sql"]:
        statements = isolation.statements_for_others()
        if not options["json"]:
            sys.stdout.write("".join(f"{statement}\n" for statement in statements))
        return {"statements": statements}, HELD
    document = isolation.bypasses()
    if not options["json"]:
        show_isolation.bypasses(console, document)
    return document, HELD
