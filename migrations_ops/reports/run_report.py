"""The report of a run: who, when, by which plan, what it changed, what its checks said, and what had been forecast."""

from pathlib import Path
from typing import Any

from psycopg import errors

from migrations_ops.engine.session import Session
from migrations_ops.phases.queries import of_table
from migrations_ops.rehearsal import forecast
from migrations_ops.rules.model import Plan
from migrations_ops.runs import queries
from migrations_ops.runs.queries import PhaseDocument, iso
from tenants.ttl_cache import Memory
from vital.db import sql
from vital.db.sql import shown

QUERIES = sql.load(Path(__file__).parent / "sql")
SHOWN = 200  # single findings and decisions; all are counted
# What a run that is over has changed stays so; where tenants are many, it is in as many entries of the ledger as rows.
_remembered: Memory[list[tuple[str, str, str, int]]] = Memory(16, seconds=60)

Document = dict[str, Any]


def report(session: Session, plan: Plan, run_id: int) -> Document:
    """Everything that is known of the run. Times as ISO 8601, seconds, bytes. Raises UnknownRun.

    `plan` is the one of today: of it only the names of tenants are taken.
    """
    run = queries.with_plan(session, run_id)
    phases = queries.run(session, run_id)["phases"] if run["kind"] != "decide" else []
    tenants = _slugs(session, plan)
    database, _, server = session.named("who")[0]
    found = queries.findings(session, run_id, SHOWN) if phases else {"findings": [], "left_out": 0}
    return {
        "database": database,
        "server": server,
        "run": _words(run),
        "plan": {"digest": run["plan_digest"], "text": run["plan"]},
        "acts": queries.actions(session, run_id),
        "phases": phases,
        "rows": _rows(session, run, tenants),
        "checks": queries.checks(session, run_id),
        "comparison": queries.comparison(session, run_id),
        **found,
        "decisions": _decisions(session, run, tenants),
        "rehearsal": _forecast(session, run, phases),
    }


def ask(session: Session, name: str, params: sql.Params) -> list[tuple[Any, ...]]:
    return session.execute(sql.compose(QUERIES[name]), params)


def _words(run: Document) -> Document:
    times = {name: iso(run[name]) for name in ("started_at", "finished_at")}
    took = (run["finished_at"] - run["started_at"]).total_seconds() if run["finished_at"] else None
    error = (run["error"] or {}).get("message", "")
    said = {name: value for name, value in run.items() if name not in ("plan", "plan_digest")}
    return said | times | {"seconds": took, "error": error}


def _slugs(session: Session, plan: Plan) -> dict[str, str]:
    """Tenant id → slug of everybody who is there."""
    try:
        with session.work():
            return dict(session.execute(of_table("slugs_of_tenants", plan.registry)))
    except (errors.UndefinedTable, errors.InsufficientPrivilege):
        return {tenant.id: tenant.slug for tenant in plan.tenants}


def _rows(session: Session, run: Document, tenants: dict[str, str]) -> Document:
    """Rows that got a tenant, by table and tenant, with the sums of both; and rows that were added, by table."""
    tables: dict[str, dict[str, int]] = {}
    totals: dict[str, int] = {}
    added: dict[str, int] = {}
    for table, tenant, kind, rows in _rows_changed(session, run):
        if kind == "insert":
            added[table] = rows
            continue
        owned, slug = tables.setdefault(table, {}), tenants.get(tenant, tenant)
        owned[slug] = owned.get(slug, 0) + rows
        totals[slug] = totals.get(slug, 0) + rows
    listed = [{"table": name, "tenants": owned, "rows": sum(owned.values())} for name, owned in tables.items()]
    return {"tables": listed, "tenants": dict(sorted(totals.items())), "rows": sum(totals.values()), "added": added}


def _rows_changed(session: Session, run: Document) -> list[tuple[str, str, str, int]]:
    if run["finished_at"] is None:
        return queries.rows_changed(session, run)
    moments = (run["id"], run["started_at"], run["finished_at"])  # two databases have the same where one is a copy
    return _remembered.recall(moments, lambda: queries.rows_changed(session, run))


def _decisions(session: Session, run: Document, tenants: dict[str, str]) -> Document:
    rows = ask(session, "decisions_before", run | {"limit": SHOWN})
    listed = [
        {
            "table": shown(table),
            "key": key,
            "tenant": tenants.get(tenant, tenant),
            "reason": why,
            "who": who,
            "at": iso(at),
        }
        for table, key, tenant, why, who, at, _ in rows
    ]
    return {"decisions": listed, "all": rows[0][-1] if rows else 0}


def _forecast(session: Session, run: Document, phases: list[PhaseDocument]) -> Document | None:
    """Forecast beside fact of the phases that the run has completed, where its plan was rehearsed before it."""
    rehearsed = ask(session, "rehearsal_before", run) if run["kind"] == "run" else []
    done = [{"phase": phase["phase"], "metrics": phase} for phase in phases if phase["status"] == "completed"]
    if not rehearsed or not done:
        return None
    identifier, held_at, expected = rehearsed[0]
    return forecast.compared(expected, done, {}) | {"id": identifier, "held_at": iso(held_at)}
