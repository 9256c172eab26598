"""The door to diagnostics: everything that can be looked at, from the settings to isolation. Only reads."""

from typing import Any

import psycopg
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from migrations_ops.diagnostics import database_checks, settings_checks, supabase_checks
from migrations_ops.diagnostics.aggregate import Tally
from migrations_ops.diagnostics.monitor import look_once, watch, write_report
from migrations_ops.diagnostics.result import FAIL, WARN, Result, good
from migrations_ops.diagnostics.snapshot import Snapshot
from migrations_ops.phase_state import open_session
from migrations_ops.rules.current import current_plan
from migrations_ops.rules.reader import PlanError
from migrations_ops.runs import service as runs
from vital.db.own_schema import connection_params
from vital.errors import EngineError, PooledConnection

__all__ = [
    "Result",
    "Snapshot",
    "Tally",
    "examine",
    "examine_isolation",
    "look_once",
    "undo_horizon",
    "watch",
    "write_report",
]


def examine() -> list[Result]:
    """Settings first; then the database, as far as it can be reached."""
    found = list(settings_checks.results())
    try:
        plan = current_plan()
        with open_session() as session:
            session.read_as_operator()
            found += [*database_checks.results(session, plan), *database_checks.isolation(session, plan)]
            found.append(_own_tables())
            found = _with_supabase(found, list(supabase_checks.results(session)))
    except PlanError as problem:
        found.append(Result("the plan", FAIL, "it cannot be read", str(problem)))
    except PooledConnection as problem:
        found.append(Result("the database", FAIL, "commands cannot work on it", str(problem)))
        found = _with_supabase(found, list(supabase_checks.behind_a_pooler()))
    except (EngineError, ImproperlyConfigured) as problem:
        found.append(Result("the database", FAIL, "commands cannot work on it", str(problem)))
    except psycopg.Error as problem:
        where = connection_params().get("host", "the local socket")
        found.append(Result("the database", FAIL, _first_line(problem), f"Is it up at {where}? See DATABASE_URL."))
    return found


def examine_isolation() -> list[Result]:
    """What a check before a deployment asks. A database that is not there is a warning: it is asked when it is."""
    try:
        with open_session(read_only=True) as session:
            return database_checks.isolation(session, current_plan(session))
    except psycopg.Error as problem:
        return [Result("isolation", WARN, f"it could not be looked at: {_first_line(problem)}", "See DATABASE_URL.")]
    except EngineError as problem:
        return [Result("isolation", WARN, "it could not be looked at", str(problem))]


def undo_horizon() -> dict[str, Any] | None:
    """Table → rows that an undo of everything would restore, remove, keep or find gone; None where there is nothing to
    undo, or where that cannot be asked."""
    try:
        return runs.undo_horizon()
    except (psycopg.Error, EngineError, PlanError):
        return None


def _with_supabase(found: list[Result], more: list[Result]) -> list[Result]:
    """On Supabase its own words about tokens are said in the place of the general ones."""
    return [*(one for one in found if one.name != "tokens"), *more] if more else found


def _own_tables() -> Result:
    executor = MigrationExecutor(connection)
    pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if pending:
        return Result("VITAL's own tables", WARN, f"{len(pending)} migrations are to come", "./manage.py migrate")
    return good("VITAL's own tables", "up to date")


def _first_line(problem: psycopg.Error) -> str:
    return (str(problem).strip().splitlines() or [type(problem).__name__])[0]
