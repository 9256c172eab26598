"""How far the migration is, at any time. Nothing here writes."""

from collections.abc import Sequence
from typing import Any

from psycopg import errors

from migrations_ops.engine.executor import has_work
from migrations_ops.engine.session import Session
from migrations_ops.engine.steps import Phase
from migrations_ops.phases.queries import every
from migrations_ops.rules.model import Plan, TableSpec
from tenants import audit
from vital.db.sql import shown


def status(session: Session, plan: Plan, phases: Sequence[Phase], states: list[dict[str, Any]]) -> dict[str, Any]:
    """Every phase with its last record, the run at work, late rows, the open findings, and what comes next."""
    by_key = {state["phase"]: state for state in states}
    database, user, version = session.named("who")[0]
    next_phase = _next(session, phases, by_key)
    return {
        "database": database,
        "user": user,
        "server": version,
        "phases": [phase_document(phase.key, by_key.get(phase.key)) for phase in phases],
        "run": _run(session),
        "late": _late(session, plan) if by_key.get("001_schema_fixes", {}).get("status") == "completed" else [],
        "findings": _findings(session, states),
        "canaries": _canaries(session) if states or session.named("is_set_up")[0][0] else [],
        "audit": audit.latest(session) if states else [],
        "next": next_phase,
    }


def _run(session: Session) -> dict[str, Any] | None:
    """The unfinished run, and how it goes."""
    found = session.named("run_at_work") if session.named("is_set_up")[0][0] else []
    if not found:
        return None
    identifier, kind, run_status, progress, seen_at = found[0]
    return {"id": identifier, "kind": kind, "status": run_status, "progress": goes(progress), "seen_at": iso(seen_at)}


def goes(progress: dict[str, Any] | None) -> dict[str, Any] | None:
    """How a run goes, with its rate in rows a second and the seconds that are left of its step."""
    if not (progress and progress.get("total") and progress.get("seconds")):
        return progress
    left = (progress["total"] - progress["done"]) * progress["seconds"] / max(progress["done"], 1)
    return progress | {"rate": progress["rows"] / progress["seconds"], "seconds_left": round(left, 1)}


def _canaries(session: Session) -> list[dict[str, Any]]:
    """Each canary with how its phases stand."""
    found: dict[str, dict[str, str]] = {}
    for scope, phase, phase_status in session.named("canaries"):
        found.setdefault(scope, {})[phase] = phase_status
    return [{"scope": scope, "phases": phases} for scope, phases in found.items()]


def _late(session: Session, plan: Plan) -> list[dict[str, Any]]:
    """Tables written to without a tenant: rows that got theirs on the way, when last, and rows that have none."""
    found = {relation: (rows, last) for relation, rows, last in session.named("late_rows")}
    tables = []
    for spec in plan.tables:
        unassigned = _unassigned(session, spec)
        assigned, last_at = found.get(spec.relation, (0, None))
        if assigned or unassigned:
            words = {"table": shown(spec.relation), "assigned": assigned, "last_at": iso(last_at)}
            tables.append(words | {"unassigned": unassigned})
    return tables


def _unassigned(session: Session, spec: TableSpec) -> int | None:
    """Rows without a tenant; None where the table cannot be read just now: how it stands is told all the same."""
    try:
        with session.work():
            return int(session.execute(every("some_unassigned", [spec]))[0][0])
    except (errors.InsufficientPrivilege, errors.LockNotAvailable, errors.UndefinedColumn):
        return None


def phase_document(key: str, state: dict[str, Any] | None) -> dict[str, Any]:
    """What a phase has come to, by its record; None where it has none."""
    if state is None:
        return {"phase": key, "status": "pending", "tables": {}}
    metrics = state["metrics"] or {}
    return {
        "phase": key,
        "status": state["status"],
        "run": state["run"],
        "started_at": iso(state["started_at"]),
        "completed_at": iso(state["completed_at"]),
        "seconds": metrics.get("seconds"),
        "rows_seen": metrics.get("rows_seen", 0),
        "rows_changed": metrics.get("rows_changed", 0),
        "findings": metrics.get("findings", 0),
        "wal_bytes": metrics.get("wal_bytes", 0),
        "longest_lock": metrics.get("longest_lock", 0),
        "tables": {shown(relation): figures for relation, figures in metrics.get("tables", {}).items()},
        "error": (state["error"] or {}).get("message"),
    }


def iso(moment: Any) -> str | None:
    """A moment as documents have it."""
    return moment.isoformat() if moment else None


def _findings(session: Session, states: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if not states:
        return []
    names = ("check", "severity", "table", "count")
    found = session.named("finding_counts")
    return [dict(zip(names, (check, how, shown(table), count), strict=True)) for check, how, table, count in found]


def _next(session: Session, phases: Sequence[Phase], states: dict[str, dict[str, Any]]) -> str | None:
    for phase in phases:
        if states.get(phase.key, {}).get("status") != "completed" or has_work(session, phase):
            return phase.key
    return None
