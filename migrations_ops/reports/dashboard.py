"""The dashboard's figures. What could take long is estimated, or read from what is stored: it opens at any size."""

from collections import Counter
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from psycopg.sql import Composable

from migrations_ops.engine.session import Session
from migrations_ops.models import Run
from migrations_ops.phases import bound_roles
from migrations_ops.phases.row_level_security import KEY as CLOSES
from migrations_ops.plan import TITLES
from migrations_ops.reports.tenant_names import names_of
from migrations_ops.review.assignments import has_tenants
from migrations_ops.rules.model import TENANT_COLUMN, Plan
from migrations_ops.runs import queries
from vital.db import django_rows, sql
from vital.db import session as ground

QUERIES = sql.load(Path(__file__).parent / "sql")
ask = partial(django_rows.ask, QUERIES)
RUNS = 6  # the latest
OWNERS = 7  # tenants that a bar shows each, those of most rows; the others are one part of it
SMALL = 500  # pages of a table that are read as a whole; of a bigger one as many are sampled
Document = dict[str, Any]


def overview(session: Session, plan: Plan) -> Document:
    """Isolation, phases, what comes next, the run at work, the last runs, open findings, what has changed since the
    last validation, connections."""
    states = queries.last_phases(session)
    phases = [{"title": title, **_phase(key, states)} for key, title in TITLES.items()]
    listed = queries.runs(session, RUNS)
    figures = queries.figures(session, [run["id"] for run in listed])
    runs = [_run(run) | figures.get(run["id"], {"rows_changed": 0, "findings": 0}) for run in listed]
    checked = any(state["status"] != "rolled_back" for state in states.values())
    return {
        "isolation": _isolation(session, plan, states),
        "phases": phases,
        "next": next((phase["phase"] for phase in phases if phase["status"] != "completed"), None),
        "runs": runs,
        "run": next((run for run in runs if run["status"] in Run.UNFINISHED), None),
        "findings": _findings(session) if checked else [],
        "drift": _drift(session, plan, states) if states else [],
        "checked": checked,
        "validated": queries.iso(_validated(states)),
        "connections": dict(session.execute(sql.compose(QUERIES["connections_by_state"]))),
    }


def _isolation(session: Session, plan: Plan, states: dict[str, Document]) -> Document:
    """Whether it is `on`, for how many `tables`, which of them are `exposed` all the same, and in `unbound` a sentence
    for each role for which it is not enforced."""
    found: Document = {"on": False, "tables": len(plan.tables), "exposed": [], "unbound": []}
    if states.get(CLOSES, {}).get("status") != "completed":
        return found
    unbound = [f"{one.seen}. {one.fix}" for one in bound_roles.not_bound(session.execute, plan)]
    return found | {"on": True, "exposed": _not_isolated(session, plan), "unbound": unbound}


def _not_isolated(session: Session, plan: Plan) -> list[str]:
    """The plan's tables whose row level security is not as the plan wants it."""
    asked = {"tables": [spec.relation for spec in plan.tables], "force_owner": plan.force_owner}
    return [relation for (relation,) in session.execute(sql.compose(QUERIES["tables_not_isolated"]), asked)]


def last_change() -> tuple[Any, ...]:
    """Something that differs once VITAL has changed anything: a run, a batch, a decision."""
    is_set_up = django_rows.ask(ground.QUERIES, "is_set_up")[0][0]
    return ask("last_change")[0] if is_set_up else ()


def _phase(key: str, states: dict[str, Document]) -> Document:
    document = queries.phase_document(key, states.get(key))
    return {**document, "key": key, "rows": document.get("rows_changed", 0)}


def _run(run: queries.ListedRun) -> Document:
    progress = run["progress"] or {}
    percent = round(100 * progress["done"] / progress["total"]) if progress.get("total") else None
    started = datetime.fromisoformat(run["started_at"])
    until = datetime.fromisoformat(run["finished_at"]) if run["finished_at"] else datetime.now(UTC)
    return {**run, "percent": percent, "seconds": (until - started).total_seconds()}


def _findings(session: Session) -> list[Document]:
    """What is worst comes first, and of that what is most."""
    order = {"FAIL": 0, "REVIEW": 1}
    found = [finding for finding in queries.open_findings(session) if finding["severity"] != "PASS"]
    return sorted(found, key=lambda finding: (order.get(finding["severity"], 2), -finding["count"]))


def _validated(states: dict[str, Document]) -> Any:
    """When the last validation ended; None where none did, or it was undone."""
    state = states.get("005_post_validation", {})
    return state.get("completed_at") if state.get("status") != "rolled_back" else None


def _drift(session: Session, plan: Plan, states: dict[str, Document]) -> list[Document]:
    """What is no longer as the last validation and the closing left it: the `relation`, and what is with it."""
    found: list[Document] = []
    if validated := _validated(states):
        late = session.execute(sql.compose(QUERIES["legacy_writes_since"]), {"since": validated})
        found += [
            {"relation": name, "text": f"{rows:,} rows were written without a tenant and got theirs by the rules"}
            for name, rows in late
        ]
    if states.get(CLOSES, {}).get("status") == "completed":
        missing = "not on and forced" if plan.force_owner else "not on"
        found += [{"relation": one, "text": f"row level security is {missing}"} for one in _not_isolated(session, plan)]
    return found


def ownership(plan: Plan) -> Document:
    """How many rows each tenant has in each table: counted in small tables, estimated by a sample of pages in others.

    `tenants` are those of most rows, `others` how many there are beside. A tenant of few rows in a big table may be
    missing from its bar. Nothing before rows can have a tenant.
    """
    tables = [_of_table(spec.relation) | {"shared": spec.shared} for spec in plan.tables if has_tenants(spec.relation)]
    sums: Counter[str] = Counter()
    for table in tables:
        sums.update({tenant: rows for tenant, rows in table["owned"].items() if tenant})
    most = [tenant for tenant, _ in sorted(sums.items(), key=lambda one: (-one[1], one[0]))[:OWNERS]]
    return {"tenants": names_of(plan, most), "others": len(sums) - len(most), "tables": tables}


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
    return {"relation": relation, "rows": sum(owned.values()), "owned": owned, "estimated": percent < 100}
