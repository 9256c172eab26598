"""The dashboard's figures. What could take long is estimated, or read from what is stored: it opens at any size."""

from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from psycopg.sql import Composable

from migrations_ops.engine.session import Session
from migrations_ops.models import Run
from migrations_ops.phases import bound_roles
from migrations_ops.phases.row_level_security import KEY as CLOSES
from migrations_ops.plan import phases as phases_of
from migrations_ops.review.assignments import has_tenants
from migrations_ops.rules.model import TENANT_COLUMN, Plan
from migrations_ops.runs import queries
from vital.db import django_rows, sql
from vital.db import session as ground
from vital.db.sql import shown

QUERIES = sql.load(Path(__file__).parent / "sql")
ask = partial(django_rows.ask, QUERIES)
RUNS = 6  # the latest
SMALL = 500  # pages of a table that are read as a whole; of a bigger one as many are sampled
Document = dict[str, Any]


def overview(session: Session, plan: Plan) -> Document:
    """Phases, what comes next, the run at work, the last runs, open findings, drift, connections."""
    states = queries.last_phases(session)
    phases = [{"title": phase.title, **_phase(phase.key, states)} for phase in phases_of(plan)]
    runs = [_run(run) for run in queries.runs(session, RUNS)]
    checked = any(state["status"] != "rolled_back" for state in states.values())
    return {
        "phases": phases,
        "next": next((phase["phase"] for phase in phases if phase["status"] != "completed"), None),
        "runs": runs,
        "run": next((run for run in runs if run["status"] in Run.UNFINISHED), None),
        "findings": _findings(session) if checked else [],
        "unbound": _unbound(session, plan, states),
        "drift": _drift(session, plan, states) if states else [],
        "checked": checked,
        "validated": states.get("005_post_validation", {}).get("status") == "completed",
        "connections": dict(session.execute(sql.compose(QUERIES["connections_by_state"]))),
    }


def _unbound(session: Session, plan: Plan, states: dict[str, Document]) -> list[str]:
    """The roles for which isolation is not enforced, once it is for others."""
    if states.get(CLOSES, {}).get("status") != "completed":
        return []
    return [f"{one.seen}. {one.fix}" for one in bound_roles.not_bound(session.execute, plan)]


def last_change() -> tuple[Any, ...]:
    """Something that differs once VITAL has changed anything: a run, a batch, a decision."""
    is_set_up = django_rows.ask(ground.QUERIES, "is_set_up")[0][0]
    return ask("last_change")[0] if is_set_up else ()


def _phase(key: str, states: dict[str, Document]) -> Document:
    document = queries.phase_document(key, states.get(key))
    return {**document, "rows": document.get("rows_changed", 0)}


def _run(run: queries.ListedRun) -> Document:
    progress = run["progress"] or {}
    percent = round(100 * progress["done"] / progress["total"]) if progress.get("total") else None
    return {**run, "by": run["started_by"], "started_at": datetime.fromisoformat(run["started_at"]), "percent": percent}


def _findings(session: Session) -> list[Document]:
    """What is worst comes first, and of that what is most."""
    order = {"FAIL": 0, "REVIEW": 1}
    found = [finding for finding in queries.open_findings(session) if finding["severity"] != "PASS"]
    return sorted(found, key=lambda finding: (order.get(finding["severity"], 2), -finding["count"]))


def _drift(session: Session, plan: Plan, states: dict[str, Document]) -> list[str]:
    """What is no longer as the last validation and the closing left it, one sentence each."""
    found = []
    validated = states.get("005_post_validation", {}).get("completed_at")
    if validated:
        late = session.execute(sql.compose(QUERIES["legacy_writes_since"]), {"since": validated})
        found += [
            f"{shown(name)}: {rows:,} rows were written without a tenant and got theirs by the rules"
            for name, rows in late
        ]
    if states.get(CLOSES, {}).get("status") == "completed":
        tables = {"tables": [spec.relation for spec in plan.tables]}
        exposed = session.execute(sql.compose(QUERIES["tables_not_isolated"]), tables)
        found += [f"{shown(relation)}: row level security is not on and forced" for (relation,) in exposed]
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
