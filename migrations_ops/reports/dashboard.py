"""The dashboard's figures. What could take long is estimated, or read from what is stored: it opens at any size."""

from functools import partial
from pathlib import Path
from typing import Any

from psycopg.sql import Composable

from migrations_ops.phases.row_level_security import KEY as CLOSES
from migrations_ops.plan import phases as phases_of
from migrations_ops.review.assignments import has_tenants
from migrations_ops.rules.model import TENANT_COLUMN, Plan
from vital.db import django_rows, sql
from vital.db.sql import shown

QUERIES = sql.load(Path(__file__).parent / "sql")
ask = partial(django_rows.ask, QUERIES)
SMALL = 500  # pages of a table that are read as a whole; of a bigger one as many are sampled
Document = dict[str, Any]


def overview(plan: Plan) -> Document:
    """Phases, what comes next, the run at work, the last runs, open findings, drift, connections."""
    states: dict[str, Document] = {}
    there = bool(ask("is_set_up_here")[0][0])
    if there:
        names = ("phase", "status", "started_at", "completed_at", "rows", "error")
        states = {row[0]: dict(zip(names, row, strict=True)) for row in ask("phases_so_far")}
    phases = [
        {"title": phase.title, **states.get(phase.key, {"phase": phase.key, "status": "pending"})}
        for phase in phases_of(plan)
    ]
    runs = _runs() if there else []
    checked = any(state["status"] != "rolled_back" for state in states.values())
    return {
        "phases": phases,
        "next": next((phase["phase"] for phase in phases if phase["status"] != "completed"), None),
        "runs": runs,
        "run": next((run for run in runs if run["status"] in ("running", "paused", "failed")), None),
        "findings": _findings() if checked else [],
        "drift": _drift(plan, states) if states else [],
        "checked": checked,
        "validated": states.get("005_post_validation", {}).get("status") == "completed",
        "connections": dict(ask("connections_by_state")),
    }


def last_change() -> tuple[Any, ...]:
    """Something that differs once VITAL has changed anything: a run, a batch, a decision."""
    return ask("last_change")[0] if ask("is_set_up_here")[0][0] else ()


def _runs() -> list[Document]:
    names = ("id", "kind", "status", "by", "started_at", "finished_at", "seen_at", "percent")
    return [dict(zip(names, row, strict=True)) for row in ask("last_runs")]


def _findings() -> list[Document]:
    return [
        {"check": check, "severity": severity, "table": shown(relation), "count": count}
        for check, severity, relation, count in ask("open_findings")
    ]


def _drift(plan: Plan, states: dict[str, Document]) -> list[str]:
    """What is no longer as the last validation and the closing left it, one sentence each."""
    found = []
    validated = states.get("005_post_validation", {}).get("completed_at")
    for relation, rows in ask("late_since", {"since": validated}) if validated else []:
        found.append(f"{shown(relation)}: {rows:,} rows were written without a tenant and got theirs by the rules")
    if states.get(CLOSES, {}).get("status") == "completed":
        open_tables = ask("unfenced_tables", {"tables": [spec.relation for spec in plan.tables]})
        found += [f"{shown(relation)}: row level security is not on and forced" for (relation,) in open_tables]
    return found


def ownership(plan: Plan) -> Document:
    """How many rows each tenant has in each table: counted in small tables, estimated by a sample of pages in others.

    A tenant of few rows in a big table may be missing from its bar. Nothing before rows can have a tenant.
    """
    tables = [_of_table(spec.relation) for spec in plan.tables if has_tenants(spec.relation)]
    names: dict[str, str] = {}
    if tables:
        names = dict(ask("tenants_by_name", registry=sql.relation(plan.registry)))
    return {"tenants": names, "tables": tables}


def _of_table(relation: str) -> Document:
    pages, rows = ask("size_of_table", {"relation": relation})[0]
    percent = min(100.0, 100 * SMALL / pages) if pages else 100.0
    sample: Composable = sql.raw("")
    if percent < 100:
        sample = sql.compose(QUERIES["sample_of_pages"], percent=sql.literal(percent))
    found = dict(ask("rows_by_tenant", relation=sql.relation(relation), tenant=sql.ident(TENANT_COLUMN), sample=sample))
    seen = sum(found.values())
    scale = max(rows, seen) / seen if percent < 100 and seen else 1
    owned = {tenant or "": round(count * scale) for tenant, count in found.items()}
    return {"table": shown(relation), "rows": sum(owned.values()), "owned": owned, "estimated": percent < 100}
