"""The report of a run: who, when, by which plan, what it changed, what its checks said, and what had been foretold."""

from pathlib import Path
from typing import Any

from psycopg import errors

from migrations_ops.engine.session import Session
from migrations_ops.phases.queries import of_table
from migrations_ops.rehearsal import forecast
from migrations_ops.rules.model import Plan
from migrations_ops.runs import queries as watching
from migrations_ops.runs.status import iso
from vital.db import sql
from vital.db.sql import shown

QUERIES = sql.load(Path(__file__).parent / "sql")
COLUMNS = ("id", "kind", "status", "scope", "phases", "started_by", "started_at", "finished_at", "error", "plan_digest")
SHOWN = 200  # single findings and decisions; all are counted

Document = dict[str, Any]


def report(session: Session, plan: Plan, run_id: int) -> Document:
    """Everything that is known of the run. Times as ISO 8601, seconds, bytes. Raises UnknownRun.

    `plan` is the one of today: of it only the names of tenants are taken.
    """
    run = run_with_plan(session, run_id)
    phases = watching.run(session, run_id)["phases"] if run["kind"] != "decide" else []
    tenants = _slugs(session, plan)
    database, _, server = session.named("who")[0]
    found = watching.findings(session, run_id, SHOWN) if phases else {"findings": [], "left_out": 0}
    return {
        "database": database,
        "server": server,
        "run": _words(run),
        "plan": {"digest": run["plan_digest"], "text": run["plan"]},
        "acts": _listed(session, "acts_of_run", run, ("at", "who", "action", "reason")),
        "phases": phases,
        "rows": _rows(session, run, tenants),
        "checks": _listed(session, "checks_of_run", run, ("phase", "check", "table", "outcome", "findings")),
        "comparison": _comparison(session, run_id),
        **found,
        "decisions": _decisions(session, run, tenants),
        "rehearsal": _forecast(session, run, phases),
    }


def run_with_plan(session: Session, run_id: int) -> Document:
    """The run's record. Raises UnknownRun."""
    found = ask(session, "run_with_plan", {"id": run_id}) if session.named("is_set_up")[0][0] else []
    if not found:
        raise watching.UnknownRun(run=run_id)
    return dict(zip((*COLUMNS, "plan"), found[0], strict=True))


def ask(session: Session, name: str, params: sql.Params) -> list[tuple[Any, ...]]:
    return session.execute(sql.compose(QUERIES[name]), params)


def _words(run: Document) -> Document:
    times = {name: iso(run[name]) for name in ("started_at", "finished_at")}
    took = (run["finished_at"] - run["started_at"]).total_seconds() if run["finished_at"] else None
    error = (run["error"] or {}).get("message", "")
    return {name: run[name] for name in COLUMNS if name != "plan_digest"} | times | {"seconds": took, "error": error}


def _listed(session: Session, name: str, run: Document, names: tuple[str, ...]) -> list[Document]:
    """The rows of a query about the run as documents; tables as people call them, times as texts."""
    listed = [dict(zip(names, row, strict=True)) for row in ask(session, name, run)]
    for one in listed:
        one |= {"table": shown(one["table"])} if "table" in one else {}
        one |= {"at": iso(one["at"])} if "at" in one else {}
    return listed


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
    for relation, tenant, kind, rows in ask(session, "rows_of_run", run):
        if kind == "insert":
            added[shown(relation)] = rows
            continue
        owned, slug = tables.setdefault(shown(relation), {}), tenants.get(tenant, tenant)
        owned[slug] = owned.get(slug, 0) + rows
        totals[slug] = totals.get(slug, 0) + rows
    listed = [{"table": name, "tenants": owned, "rows": sum(owned.values())} for name, owned in tables.items()]
    return {"tables": listed, "tenants": dict(sorted(totals.items())), "rows": sum(totals.values()), "added": added}


def _comparison(session: Session, run_id: int) -> list[Document]:
    """Each table before and after: rows, fingerprints, and what others wrote; none where 005 was not asked."""
    found = ask(session, "comparison_in_run", {"id": run_id})
    return [
        {
            "table": shown(table["relation"]),
            **{name: table[name] for name in ("rows_before", "rows_now", "same_content", "foreign")},
            **dict(zip(("fingerprint_before", "fingerprint_now"), table["fingerprints"], strict=True)),
        }
        for table in (found[0][0] if found else [])
    ]


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


def _forecast(session: Session, run: Document, phases: list[Document]) -> Document | None:
    """Forecast beside fact of the phases that the run has completed, where its plan was rehearsed before it."""
    rehearsed = ask(session, "rehearsal_before", run) if run["kind"] == "run" else []
    done = [{"phase": phase["phase"], "metrics": phase} for phase in phases if phase["status"] == "completed"]
    if not rehearsed or not done:
        return None
    identifier, held_at, foretold = rehearsed[0]
    return forecast.compared(foretold, done, {}) | {"id": identifier, "held_at": iso(held_at)}
