"""Runs, each with its phases and how it goes. Nothing here writes."""

from pathlib import Path
from typing import Any

from psycopg.sql import Composable

from migrations_ops.engine.session import Session
from migrations_ops.models import Run
from migrations_ops.runs.status import goes, iso, phase_document
from vital.db import sql
from vital.db.session import ADVISORY_LOCKS
from vital.db.sql import shown
from vital.errors import EngineError

QUERIES = sql.load(Path(__file__).parent / "sql")
COLUMNS = (
    *("id", "kind", "status", "started_by", "started_at", "finished_at", "scope", "phases", "in_background"),
    *("stop_requested", "progress", "seen_at", "error"),
)
STATE = ("phase", "status", "run", "started_at", "completed_at", "metrics", "error")


class UnknownRun(EngineError):
    """There is no run {run}. The runs there are: ./manage.py migrate_tenants status, or GET /api/migrations/runs."""

    exit_code = 2


def ask(session: Session, name: str, params: sql.Params | None = None, /, **parts: Composable) -> list[tuple[Any, ...]]:
    return session.execute(sql.compose(QUERIES[name], **parts), params)


def runs(session: Session, limit: int) -> list[dict[str, Any]]:
    """The last runs and undos, the newest first, without their phases' figures."""
    return _runs(session, None, limit)


def run(session: Session, run_id: int) -> dict[str, Any]:
    """One run with its phases in its order: what each has come to, and where it is. Raises UnknownRun."""
    found = _runs(session, run_id, 1)
    if not found:
        raise UnknownRun(run=run_id)
    helpers = len(session.named("holder_of_run_lock", ADVISORY_LOCKS["worker"]))
    workers = helpers + 1 if found[0]["at_work"] else 0
    return found[0] | {"phases": _phases(session, found[0]), "workers": workers}


def findings(session: Session, run_id: int, limit: int) -> dict[str, Any]:
    """What the run's checks found, single things, and how many are beyond the limit. Raises UnknownRun."""
    run(session, run_id)
    rows = _ask(session, "findings_of_run", {"id": run_id, "limit": limit})
    names = ("phase", "check", "severity", "table", "key", "message", "found_at")
    found = [dict(zip(names, row[:-1], strict=True)) for row in rows]
    for one in found:
        one |= {"table": shown(one["table"]), "found_at": iso(one["found_at"])}
    return {"findings": found, "left_out": rows[0][-1] - len(rows) if rows else 0}


def late(session: Session) -> list[dict[str, Any]]:
    """Tables that are written to without a tenant: rows that got theirs on the way, and when last."""
    found = session.named("late_rows") if session.named("is_set_up")[0][0] else []
    return [{"table": shown(table), "assigned": rows, "last_at": iso(at)} for table, rows, at in found]


def _runs(session: Session, run_id: int | None, limit: int) -> list[dict[str, Any]]:
    if not session.named("is_set_up")[0][0]:
        return []
    rows = _ask(session, "latest_runs", {"id": run_id, "limit": limit})
    at_work = not session.run_lock_is_free()
    return [_document(dict(zip(COLUMNS, row, strict=True)), at_work) for row in rows]


def _document(row: dict[str, Any], at_work: bool) -> dict[str, Any]:
    """`at_work`: a process carries it out just now. A run that is `running` and is not waits for a worker."""
    running = row["status"] == Run.Status.RUNNING
    row["progress"] = goes(row["progress"]) if row["status"] in Run.UNFINISHED else None
    moments = {name: iso(row[name]) for name in ("started_at", "finished_at", "seen_at")}
    return row | moments | {"at_work": running and at_work}


def _phases(session: Session, row: dict[str, Any]) -> list[dict[str, Any]]:
    if row["kind"] == Run.Kind.UNDO:  # which has no records of its own
        standing = {phase for phase, _ in session.named("phases_not_undone")}
        gone = set(row["phases"]) if row["status"] == Run.Status.COMPLETED else set(row["phases"]) - standing
        words = {key: "rolled_back" if key in gone else "pending" for key in row["phases"]}
        return [phase_document(key, None) | {"status": word} for key, word in words.items()]
    states = {state[0]: dict(zip(STATE, state, strict=True)) for state in _ask(session, "phases_of_run", row)}
    return [phase_document(key, states.get(key)) for key in row["phases"]]


def _ask(session: Session, name: str, params: sql.Params) -> list[tuple[Any, ...]]:
    return session.execute(sql.compose(QUERIES[name]), params)
