"""How a command ends: its exit code, and each error as one sentence for people or one document for machines.

    0  done
    1  failed: a check, a phase or the database said no, or VITAL has a mistake (then error.log has the traceback)
    2  wrong usage, settings or connection: nothing was done, and a script need not try again
    3  stopped: by Ctrl-C, by somebody who paused or cancelled it, or since it was not confirmed
    4  incomplete: all that was tried went well, and its budget was used up before everything had its turn

An error that people can do something about carries its code as `exit_code`.
"""

import json
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import psycopg
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError
from django.db import DatabaseError

from vital import private_files
from vital.db.sql import shown
from vital.errors import EngineError, Problem

DONE, FAILED, USAGE, STOPPED, INCOMPLETE = 0, 1, 2, 3, 4
SHOWN = 20  # problems on a terminal; --json has all of them
INTERRUPTED = "Stopped. What was done is kept; run again and it continues."
UNREACHABLE = "Check host, port, user and password in DATABASE_URL, and that the server is up."
NO_RIGHT = (
    "VITAL keeps its own tables in a schema `vital` and shows its progress in a view in `public`. Let the owner of the "
    "tables run it, or ask a DBA for GRANT CREATE ON DATABASE and GRANT CREATE ON SCHEMA public to it."
)
OUR_MISTAKE = "This is a mistake of VITAL's; what was committed is kept."

Document = dict[str, Any]
Answer = tuple[Document, int]


def guarded(act: Callable[[], Answer], interrupted: str = INTERRUPTED, log_dir: Path | None = None) -> Answer:
    """What it answers, or its error as a document with one sentence, and the exit code."""
    try:
        return act()
    except KeyboardInterrupt:
        return {"error": interrupted}, STOPPED
    except Exception as error:
        return of_error(error) or _unexpected(error, log_dir or Path(settings.LOG_DIR))


def of_error(error: Exception) -> Answer | None:
    """The sentence and the exit code of an error that was foreseen; None for a mistake of ours."""
    if isinstance(error, EngineError):
        problems = [problem_document(problem) for problem in error.facts.get("problems", [])]
        return {"error": str(error), "problems": problems}, error.exit_code
    if isinstance(error, ImproperlyConfigured):
        return {"error": str(error)}, USAGE
    if isinstance(error, CommandError):
        return {"error": str(error)}, error.returncode
    code = getattr(error, "exit_code", None)
    if isinstance(code, int):
        return {"error": str(error)}, code
    return _database_error(error) if isinstance(error, psycopg.Error | DatabaseError | OSError) else None


def problem_document(problem: Problem) -> dict[str, str]:
    """A row or thing that stands in the way, as a document."""
    return {"table": shown(problem.relation), "key": problem.key, "message": problem.message}


def _database_error(error: Exception) -> Answer:
    """An error of the database or the machine that no step foresaw."""
    cause = error.__cause__ if isinstance(error.__cause__, psycopg.Error) else error
    text = " ".join(str(cause).split())
    if isinstance(cause, psycopg.OperationalError) and not cause.sqlstate:
        return {"error": f"The database cannot be reached: {text} {UNREACHABLE}"}, USAGE
    if isinstance(cause, psycopg.errors.InsufficientPrivilege):
        return {"error": f"The database refused: {cause.diag.message_primary or text}. {NO_RIGHT}"}, FAILED
    state = getattr(cause, "sqlstate", None)
    return {"error": f"{text}" + (f" (SQLSTATE {state})" if state else "")}, FAILED


def _unexpected(error: Exception, log_dir: Path) -> Answer:
    """A sentence for the person, the traceback for the log."""
    file = log_dir / "error.log"
    try:
        with private_files.log(file, again=True) as log:
            log.write("".join(traceback.format_exception(error)))
        details = f"Details are in {file}."
    except OSError as unwritable:
        details = f"Its details cannot be written to {file}: {unwritable.strerror}."
    return {"error": f"{type(error).__name__}: {error}. {OUR_MISTAKE} {details}"}, FAILED


def tell(document: Document, code: int, *, as_json: bool, **head: str) -> None:
    """One document on stdout for machines; for people its error on stderr, if it has one."""
    if as_json:
        document = {**head, "exit_code": code} | document
        sys.stdout.write(json.dumps(document, default=str, ensure_ascii=False, indent=2) + "\n")
    elif "error" in document:
        _print_error(document["error"], document.get("problems", []))


def fail(error: object, code: int = USAGE, *, as_json: bool = False) -> NoReturn:
    """Before a command has begun: its error in one line, and out."""
    tell({"error": " ".join(str(error).split())}, code, as_json=as_json)
    sys.exit(code)


def _print_error(error: str, problems: list[dict[str, str]]) -> None:
    from rich.console import Console  # slow to import, and most commands end well
    from rich.text import Text

    console = Console(stderr=True, soft_wrap=True)
    console.print(Text("error: ", "bold red").append(error, "default"))
    for problem in problems[:SHOWN]:
        where = " ".join(filter(None, (problem["table"], problem["key"])))
        console.print(Text("  " + ": ".join(filter(None, (where, problem["message"])))))
    if len(problems) > SHOWN:
        console.print(Text(f"  … and {len(problems) - SHOWN:,} more (--json lists them)"))
