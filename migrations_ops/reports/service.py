"""The door to reports: what runs were, and what the dashboard shows. Nothing here writes."""

from typing import TYPE_CHECKING, Any

import psycopg
from django.db import DatabaseError, transaction
from django.utils import timezone

from migrations_ops.phase_state import open_with_plan
from migrations_ops.rules.current import current_plan
from migrations_ops.rules.model import Plan
from migrations_ops.runs import queries
from tenants.ttl_cache import Memory
from vital.errors import EngineError

if TYPE_CHECKING:
    from migrations_ops.reports.sections import Section

__all__ = [
    "NoRunYet",
    "overview",
    "report",
    "report_as_html",
    "report_in_words",
    "require_tenants",
    "rows_by_tenant",
]

Document = dict[str, Any]
_now: Memory[Document] = Memory(1, seconds=3)
_ownership: Memory[Document] = Memory(1, seconds=60)
_traffic: Memory[Document] = Memory(1, seconds=5)


def report(run_id: int | None = None) -> dict[str, Any]:
    """The report of a run, of the last one where none is named; see `run_report`. Raises UnknownRun, NoRunYet."""
    from migrations_ops.reports import run_report as reports

    with open_with_plan(read_only=True) as (session, plan):
        run_id = queries.latest(session) if run_id is None else run_id
        if run_id is None:
            raise NoRunYet
        return reports.report(session, plan, run_id)


def report_in_words(document: dict[str, Any]) -> tuple[str, list[tuple[str, str]], "list[Section]"]:
    """The report's title, what stands above everything else, and its sections."""
    from migrations_ops.reports import sections as words

    return words.title(document), words.facts(document), list(words.sections(document))


def rows_by_tenant(document: dict[str, Any]) -> tuple[str, "Section"]:
    """The report's title, and every tenant's rows, of which the report itself has the largest."""
    from migrations_ops.reports import sections as words

    return words.title(document), words.rows_by_tenant(document)


def report_as_html(document: dict[str, Any], back: str = "", every_tenant: str = "") -> str:
    """The report as one page that needs nothing else, with links to the run and to every tenant's rows if these have
    pages."""
    from migrations_ops.reports import html as page

    return page.html(document, back, every_tenant)


def require_tenants(relation: str) -> None:
    """Raises NoTenantsYet where no row of the table can have a tenant."""
    from migrations_ops.review import assignments

    assignments.require_tenants(relation)


class NoRunYet(EngineError):
    """There was no run in this database yet, so there is nothing to report. Start one: ./manage.py migrate_tenants"""

    exit_code = 2


def overview() -> Document:
    """The dashboard: see `dashboard.overview`. Remembered for 3 seconds, traffic for 5, who owns how much for a minute;
    but for traffic not beyond a change that VITAL has made. `at` says since when."""
    from migrations_ops.reports import dashboard as figures

    state = figures.last_change()
    now = _now.recall(state, lambda: _overview() | {"at": timezone.now()})
    owned = _ownership.recall(state, lambda: _owned(current_plan()) | {"at": timezone.now()})
    traffic = _traffic.recall(bool(state), lambda: _last_day() if state else {"hours": [], "tenants": []})
    return now | {"ownership": owned, "traffic": traffic}


def _last_day() -> Document:
    from migrations_ops.reports import traffic

    return traffic.last_day(current_plan())


def _overview() -> Document:
    from migrations_ops.reports import dashboard as figures

    with open_with_plan(read_only=True) as (session, plan):
        return figures.overview(session, plan)


def _owned(plan: Plan) -> Document:
    """Where the platform's tables cannot be read, as by the service's login while isolation is off, everything else is
    shown all the same."""
    from migrations_ops.reports import dashboard as figures

    try:
        with transaction.atomic():
            return figures.ownership(plan)
    except DatabaseError as error:
        if not isinstance(error.__cause__, psycopg.errors.InsufficientPrivilege):
            raise
        return {"tenants": {}, "tables": [], "problem": error.__cause__.diag.message_primary}
