"""Results as documents for machines and as words for people."""

import traceback
from pathlib import Path
from typing import Any

import psycopg
from rich.console import Console
from rich.text import Text

from migrations_ops.runs.service import Result
from vital import private_files
from vital.db.sql import shown
from vital.errors import Problem


def result(outcome: Result) -> dict[str, Any]:
    """A run or an undo as a document."""
    document: dict[str, Any] = {"status": outcome.status, "run": outcome.run, "phases": outcome.phases}
    document["undecided"] = outcome.undecided
    if outcome.next_phase:
        document["next"] = outcome.next_phase
    if outcome.undone is not None:
        conflicts = [{"table": shown(table), "key": key} for table, key in outcome.undone.conflicts]
        document |= {
            "restored": {shown(table): rows for table, rows in outcome.undone.restored.items()},
            "removed": {shown(table): rows for table, rows in outcome.undone.removed.items()},
            "conflicts": conflicts,
            "gone": {shown(table): rows for table, rows in outcome.undone.gone.items()},
            "elsewhere": [problem(found) for found in outcome.undone.elsewhere],
            "archived": len(outcome.archived),
        }
    return document


def problem(found: Problem) -> dict[str, str]:
    """A row or thing that stands in the way, as a document."""
    return {"table": shown(found.relation), "key": found.key, "message": found.message}


def error(console: Console, document: dict[str, Any]) -> None:
    console.print(Text("error: ", "bold red").append(document["error"], "default"))
    for problem in document.get("problems", [])[:20]:
        where = " ".join(filter(None, (problem["table"], problem["key"])))
        console.print(Text("  " + ": ".join(filter(None, (where, problem["message"])))))
    if len(document.get("problems", [])) > 20:
        console.print(Text(f"  … and {len(document['problems']) - 20:,} more (--json lists them)"))


def database_error(problem: Exception) -> tuple[dict[str, Any], int]:
    """An error of the database or the machine that no step foresaw, in one sentence, with its exit code."""
    cause = problem.__cause__ if isinstance(problem.__cause__, psycopg.Error) else problem
    text = " ".join(str(cause).split())
    if isinstance(cause, psycopg.OperationalError) and not cause.sqlstate:
        advice = "Check host, port, user and password in DATABASE_URL, and that the server is up."
        return {"error": f"The database cannot be reached: {text} {advice}"}, 2
    if isinstance(cause, psycopg.errors.InsufficientPrivilege):
        advice = (
            "VITAL keeps its own tables in a schema `vital` and shows its progress in a view in `public`. Let the owner"
            " of the tables run it, or ask a DBA for GRANT CREATE ON DATABASE and GRANT CREATE ON SCHEMA public to it."
        )
        return {"error": f"The database refused: {cause.diag.message_primary or text}. {advice}"}, 1
    state = getattr(cause, "sqlstate", None)
    return {"error": f"{text}" + (f" (SQLSTATE {state})" if state else "")}, 1


def unexpected(problem: Exception, folder: Path) -> tuple[dict[str, Any], int]:
    """An error of VITAL itself: a sentence for the person, the traceback for the log."""
    with private_files.log(folder / "error.log", again=True) as log:
        log.write("".join(traceback.format_exception(problem)))
    advice = f"This is a mistake of VITAL's; what was committed is kept. Details are in {folder / 'error.log'}."
    return {"error": f"{type(problem).__name__}: {problem}. {advice}"}, 1
