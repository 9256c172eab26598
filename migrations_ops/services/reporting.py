"""What runs were, for people and for auditors. Nothing here writes."""

from typing import Any

from migrations_ops.engine.errors import EngineError
from migrations_ops.reporting import page, words
from migrations_ops.reporting import report as reports
from migrations_ops.services.database import current_plan, open_session


def report(run_id: int | None = None) -> dict[str, Any]:
    """The report of a run, of the last one where none is named; see `reporting.report`. Raises UnknownRun, NoRunYet."""
    plan = current_plan()
    with open_session(read_only=True) as session:
        if run_id is None:
            found = reports.ask(session, "latest_run", {}) if session.named("is_set_up")[0][0] else [(None,)]
            run_id = found[0][0]
        if run_id is None:
            raise NoRunYet
        return reports.report(session, plan, run_id)


def report_in_words(document: dict[str, Any]) -> tuple[str, list[tuple[str, str]], list[words.Section]]:
    """The report's title, what stands above everything else, and its sections."""
    return words.title(document), words.facts(document), list(words.sections(document))


def report_as_html(document: dict[str, Any]) -> str:
    """The report as one page that needs nothing else."""
    return page.html(document)


class NoRunYet(EngineError):
    """There was no run in this database yet, so there is nothing to report. Start one: manage.py migrate_tenants"""

    exit_code = 2
