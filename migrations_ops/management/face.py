"""Parse, call the one service, show. Every error ends here as one sentence and an exit code."""

import json
import logging
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError
from django.db import DatabaseError
from rich.console import Console

from migrations_ops.management import show
from migrations_ops.management.answers import FAILED, STOPPED, USAGE, Answer, Options
from migrations_ops.rules import service as rules
from migrations_ops.rules.service import PlanError
from vital.db.embedded import EmbeddedError
from vital.errors import EngineError


def answer(act: Callable[[Options, Console], Answer], options: Options) -> int:
    """Do what a verb does and return the exit code."""
    if options.get("plan"):
        rules.name_plan(Path(options["plan"]))
    if options.get("no_backup"):
        settings.BACKUP = False
    return told(act, options, options["verb"])


def told(act: Callable[[Options, Console], Answer], options: Options, verb: str) -> int:
    """Do it, say or print what came of it, and return the exit code."""
    console = Console(stderr=options["json"], soft_wrap=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    logging.getLogger("psycopg").setLevel(logging.ERROR)  # it warns of the connection that Ctrl-C has broken off
    document, code = guarded(act, options, console)
    if options["json"]:
        document = {"verb": verb, "exit_code": code} | document
        sys.stdout.write(json.dumps(document, default=str, ensure_ascii=False, indent=2) + "\n")
    elif "error" in document:
        show.error(Console(stderr=True, soft_wrap=True), document)
    return code


def guarded(act: Callable[[Options, Console], Answer], options: Options, console: Console) -> Answer:
    """What the verb answers, or its error as a document with one sentence."""
    try:
        return act(options, console)
    except EngineError as error:
        problems = [show.problem(problem) for problem in error.facts.get("problems", [])]
        return {"error": str(error), "problems": problems}, error.exit_code
    except (PlanError, ImproperlyConfigured, EmbeddedError) as error:
        return {"error": str(error)}, USAGE
    except CommandError as error:
        return {"error": str(error)}, FAILED
    except KeyboardInterrupt:
        return {"error": "Stopped. What was done is kept; run again and it continues."}, STOPPED
    except (psycopg.Error, DatabaseError, OSError) as error:
        return show.database_error(error)
    except Exception as error:
        return show.unexpected(error, Path(options["log_dir"]))
