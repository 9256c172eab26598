"""Parse, call the one service, show. Every error ends here as one sentence and an exit code."""

import json
import logging
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError
from django.db import DatabaseError
from rich.console import Console
from rich.prompt import Confirm

from migrations_ops import services
from migrations_ops.engine.errors import EngineError, NobodyToAsk
from migrations_ops.engine.progress import Listeners
from migrations_ops.management import show
from migrations_ops.rules.load import PlanError
from migrations_ops.terminal import LogFiles, Terminal
from vital.embedded import EmbeddedError

Options = dict[str, Any]
Answer = tuple[dict[str, Any], int]
DONE, FAILED, USAGE, STOPPED = 0, 1, 2, 3


def answer(options: Options) -> int:
    """Do what the command line asks for and return the exit code."""
    console = Console(stderr=options["json"], soft_wrap=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    logging.getLogger("psycopg").setLevel(logging.ERROR)  # it warns of the connection that Ctrl-C has broken off
    if options["plan"]:
        settings.PLAN = Path(options["plan"])
    document, code = _guarded(options, console)
    if options["json"]:
        document = {"verb": options["verb"], "exit_code": code} | document
        sys.stdout.write(json.dumps(document, default=str, ensure_ascii=False, indent=2) + "\n")
    elif "error" in document:
        show.error(Console(stderr=True, soft_wrap=True), document)
    return code


def _guarded(options: Options, console: Console) -> Answer:
    verbs: dict[str, Callable[[Options, Console], Answer]] = {
        "run": _run, "status": _status, "validate": _validate, "undo": _undo, "explain": _explain
    }  # fmt: skip
    try:
        return verbs[options["verb"]](options, console)
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


def _run(options: Options, console: Console) -> Answer:
    step_by_step = options["step_by_step"]
    request = services.Request(options["first"], options["last"], options["only"], step_by_step)
    result = services.run(request, _listener(options, console))
    while result.status == "paused" and step_by_step and _goes_on(options, result.next_phase):
        request = replace(request, first=result.next_phase if request.first else "")
        result = services.run(request, _listener(options, console))
    document = show.result(result)
    if not options["json"]:
        show.run_result(console, result)
    return document, STOPPED if result.status == "paused" else DONE


def _goes_on(options: Options, next_phase: str) -> bool:
    """Whether the person at the terminal wants the next phase; without one the answer is no."""
    interactive = sys.stdin.isatty() and not options["json"]
    return interactive and (options["yes"] or Confirm.ask(f"Go on with {next_phase}?", default=True))


def _status(options: Options, console: Console) -> Answer:
    document = services.status()
    if not options["json"]:
        show.status(console, document)
    return document, DONE


def _validate(options: Options, console: Console) -> Answer:
    failed = services.validate(_listener(options, console))
    return {"failed": failed, "valid": not failed}, FAILED if failed else DONE


def _undo(options: Options, console: Console) -> Answer:
    keys = services.preview_undo(options["phase"])
    if not keys:
        console.print("Nothing to undo.")
        return {"status": "nothing_to_do", "phases": []}, DONE
    if not options["json"]:
        show.undo_plan(console, keys)
    if not options["yes"] and not sys.stdin.isatty():
        raise NobodyToAsk
    if not options["yes"] and not Confirm.ask("Undo these phases?", default=False):
        return {"status": "cancelled", "phases": keys}, STOPPED
    archive = Path(options["archive"]) if options["archive"] else None
    result = services.undo_phases(options["phase"], archive, _listener(options, console))
    if not options["json"]:
        show.undo_result(console, result, archive)
    return show.result(result), DONE


def _explain(options: Options, console: Console) -> Answer:
    if not options["table"] or not options["id"]:
        return {"error": "explain needs a table and a row's id: manage.py migrate_tenants explain agents ID"}, USAGE
    document = services.explain(options["table"], options["id"])
    if not options["json"]:
        show.explanation(console, document)
    return document, DONE


def _listener(options: Options, console: Console) -> Listeners:
    return Listeners(Terminal(console), LogFiles(Path(options["log_dir"])))
