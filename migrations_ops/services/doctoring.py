"""The doctor: everything that can be looked at, from the settings to the fence. Only reads."""

import psycopg
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from migrations_ops.doctor import configuration, database
from migrations_ops.doctor.signs import FAIL, WARN, Sign, good
from migrations_ops.engine.errors import EngineError
from migrations_ops.rules.load import PlanError
from migrations_ops.services.database import connection_params, current_plan, open_session


def examine() -> list[Sign]:
    """Settings first; then the database, as far as it can be reached."""
    found = list(configuration.signs())
    try:
        plan = current_plan()
        with open_session() as session:
            session.read_as_operator()
            found += [*database.signs(session, plan), *database.fence(session, plan)]
            found.append(_own_tables())
    except PlanError as problem:
        found.append(Sign("the plan", FAIL, "it cannot be read", str(problem)))
    except (EngineError, ImproperlyConfigured) as problem:
        found.append(Sign("the database", FAIL, "commands cannot work on it", str(problem)))
    except psycopg.Error as problem:
        where = connection_params().get("host", "the local socket")
        found.append(Sign("the database", FAIL, _first_line(problem), f"Is it up at {where}? See DATABASE_URL."))
    return found


def examine_fence() -> list[Sign]:
    """What a check before a deployment asks. A database that is not there is a warning: it is asked when it is."""
    try:
        plan = current_plan()
        with open_session(read_only=True) as session:
            return database.fence(session, plan)
    except psycopg.Error as problem:
        return [Sign("the fence", WARN, f"it could not be looked at: {_first_line(problem)}", "See DATABASE_URL.")]
    except EngineError as problem:
        return [Sign("the fence", WARN, "it could not be looked at", str(problem))]


def _own_tables() -> Sign:
    executor = MigrationExecutor(connection)
    pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if pending:
        return Sign("VITAL's own tables", WARN, f"{len(pending)} migrations are to come", "manage.py migrate")
    return good("VITAL's own tables", "up to date")


def _first_line(problem: psycopg.Error) -> str:
    return (str(problem).strip().splitlines() or [type(problem).__name__])[0]
