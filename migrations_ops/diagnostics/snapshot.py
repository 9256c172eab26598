"""One look at the database, and one at the service."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from psycopg import errors

from migrations_ops.diagnostics import database_checks
from migrations_ops.diagnostics.result import FAIL
from migrations_ops.engine.session import Session
from migrations_ops.rules.model import TENANT_COLUMN, Plan
from migrations_ops.rules.plan_tables import has_tenant_column
from migrations_ops.runs import queries
from migrations_ops.vectors import concerns as vectors
from vital.db import sql
from vital.db.sql import shown

QUERIES = sql.load(Path(__file__).parent / "sql")
MOST = 10_001  # rows without a tenant that are counted
PATIENCE = 5  # seconds for the service
COUNTED_WITHIN = "5s"  # where no index helps, a table is left out rather than read whole at each look


@dataclass
class Snapshot:
    """What was seen. `down` says why the database was not reached. `locked`: somebody held a table, or counting took
    too long, so that rows and isolation could not be looked at. `validated` is when 005 was last through, in seconds
    since 1970, and what it was then. `recall` is the worst of a tenant's when it was last measured."""

    down: str = ""
    locked: bool = False
    connections: int = 0
    of_connections: int = 0
    waiting: int = 0
    slow: int = 0
    slowest: float = 0.0
    unassigned: dict[str, int] = field(default_factory=dict)
    late: int = 0
    gaps: list[str] = field(default_factory=list)
    run: str = ""
    run_status: str = ""
    validated: tuple[float, str] | None = None
    service: str = ""
    vectors: list[str] = field(default_factory=list)
    recall: float | None = None
    requests: dict[tuple[str, str, str], float] = field(default_factory=dict)


def at_database(session: Session, plan: Plan) -> Snapshot:
    """Load, rows without a tenant, legacy writes, gaps in isolation, the run at work."""
    look = Snapshot()
    look.connections, look.of_connections, look.waiting, look.slow, look.slowest = session.execute(QUERIES["load_now"])[
        0
    ]
    if session.named("is_set_up")[0][0]:
        look.late = sum(one["assigned"] for one in queries.legacy_writes(session).values())
        if run := queries.unfinished(session):
            look.run, look.run_status = f"run {run.id} is {run.status}", run.status
        look.validated = queries.last_validation(session)
    session.execute(QUERIES["pass_locked_tables_by"])
    try:
        look.gaps = [
            f"{sign.name}: {sign.seen}" for sign in database_checks.isolation(session, plan) if sign.state == FAIL
        ]
        look.unassigned = _unassigned(session, plan)
        look.vectors = [f"{one.seen}: {one.fix}" for one in vectors.concerns(session, plan)]
        look.recall = vectors.worst_recall(session) if session.named("is_set_up")[0][0] else None
    except (errors.LockNotAvailable, errors.QueryCanceled):
        look.locked = True
    return look


def _unassigned(session: Session, plan: Plan) -> dict[str, int]:
    """Table → rows without a tenant, where there are any."""
    questions = [
        sql.compose(
            QUERIES["without_tenant"],
            name=sql.literal(shown(spec.relation)),
            relation=sql.relation(spec.relation),
            tenant=sql.ident(TENANT_COLUMN),
            most=sql.literal(MOST),
        )
        for spec in plan.tables
        if has_tenant_column(session, spec)
    ]
    with session.work(lock_timeout="300ms", statement_timeout=COUNTED_WITHIN):
        found: dict[str, int] = dict(session.execute(sql.join(questions, " UNION ALL "))) if questions else {}
    return {table: rows for table, rows in found.items() if rows}


def at_service(look: Snapshot, url: str, key: str) -> None:
    """Whether it is ready, and, with a key of the scope `metrics`, its requests by route, tenant and status."""
    look.service = _asked(f"{url}/health/ready")[0]
    if key:
        word, text = _asked(f"{url}/metrics", key)
        if word == "ready":
            look.requests = _requests(text)


def _asked(address: str, key: str = "") -> tuple[str, str]:
    """(`ready`, or what is wrong; the answer's text)"""
    request = Request(address, headers={"x-api-key": key} if key else {})  # noqa: S310  # an address of the caller's
    try:
        with urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310
            return "ready", answer.read().decode(errors="replace")
    except HTTPError as error:
        return f"answers {error.code}", ""
    except (URLError, OSError, ValueError) as error:
        return f"does not answer ({getattr(error, 'reason', error)})", ""


def _requests(text: str) -> dict[tuple[str, str, str], float]:
    from prometheus_client.parser import text_string_to_metric_families  # slow to import

    found: dict[tuple[str, str, str], float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == "vital_requests_total":
                labels: dict[str, Any] = sample.labels
                place = (labels["route"], labels["tenant"] or "-", labels["status"])
                found[place] = found.get(place, 0) + sample.value
    return found
