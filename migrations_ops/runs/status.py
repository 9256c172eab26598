"""How far the migration is, at any time. Nothing here writes."""

from collections.abc import Sequence
from typing import Any

from psycopg import errors

from migrations_ops.engine.executor import has_work
from migrations_ops.engine.session import Session
from migrations_ops.engine.steps import Phase
from migrations_ops.phases import bound_roles, tenant_indexes
from migrations_ops.phases.queries import every
from migrations_ops.phases.row_level_security import KEY as CLOSES
from migrations_ops.rules.model import Plan, TableSpec
from migrations_ops.runs import horizon, queries
from tenants import audit
from vital.db.sql import shown


def status(session: Session, plan: Plan, phases: Sequence[Phase]) -> dict[str, Any]:
    """Every phase with its last record, the run at work, legacy writes, the open findings, and what comes next."""
    states = queries.last_phases(session)
    database, user, version = session.named("who")[0]
    next_phase, run = _next(session, phases, states), queries.unfinished(session)
    has_tenants = states.get("001_schema_fixes", {}).get("status") == "completed"
    return {
        "database": database,
        "user": user,
        "server": version,
        "phases": [queries.phase_document(phase.key, states.get(phase.key)) for phase in phases],
        "run": run.document() if run else None,
        "late": _legacy_writes(session, plan) if has_tenants else [],
        "findings": queries.open_findings(session) if states else [],
        "dropped_indexes": tenant_indexes.not_built(session, plan) if states else [],
        "canaries": queries.canaries(session),
        "unbound": _unbound(session, plan, states),
        "audit": audit.latest(session) if states else [],
        "undo": horizon.last(session) if states and session.named("phases_not_undone") else None,
        "next": next_phase,
    }


def _unbound(session: Session, plan: Plan, states: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Roles for which isolation is not enforced. Before 006 it is enforced for nobody, and nothing else is said."""
    if states.get(CLOSES, {}).get("status") != "completed":
        return []
    return [one.document() for one in bound_roles.not_bound(session.execute, plan)]


def _legacy_writes(session: Session, plan: Plan) -> list[dict[str, Any]]:
    """Tables written to without a tenant, with the rows that have none yet."""
    found, tables = queries.legacy_writes(session), []
    for spec in plan.tables:
        unassigned = _unassigned(session, spec)
        written = found.get(spec.relation, {"assigned": 0, "last_at": None})
        if written["assigned"] or unassigned:
            tables.append({"table": shown(spec.relation), **written, "unassigned": unassigned})
    return tables


def _unassigned(session: Session, spec: TableSpec) -> int | None:
    """Rows without a tenant; None where the table cannot be read just now: the others are counted all the same."""
    try:
        with session.work():
            return int(session.execute(every("some_unassigned", [spec]))[0][0])
    except (errors.InsufficientPrivilege, errors.LockNotAvailable, errors.UndefinedColumn):
        return None


def _next(session: Session, phases: Sequence[Phase], states: dict[str, dict[str, Any]]) -> str | None:
    for phase in phases:
        if states.get(phase.key, {}).get("status") != "completed" or has_work(session, phase):
            return phase.key
    return None
