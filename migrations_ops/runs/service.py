"""The door to runs: what commands, tasks, the admin and REST may do with one, and ask of it."""

import time
from collections.abc import Callable, Generator
from functools import partial
from typing import TYPE_CHECKING, Any

from migrations_ops.engine.events import Listener
from migrations_ops.engine.steps import Check
from migrations_ops.phase_state import open_session, open_with_plan, tenants_are_there
from migrations_ops.plan import TITLES
from migrations_ops.plan import phases as phases_of
from migrations_ops.rehearsal import records
from migrations_ops.rules.current import chosen, current_plan
from migrations_ops.runs import queries
from migrations_ops.runs import status as reading
from migrations_ops.runs.log_files import LogFiles, log_tail, rows_of
from migrations_ops.runs.queries import ListedRun, OneRun, UnknownRun
from tenants import audit, maintenance
from vital.db.own_schema import NotSetUp, bring_up_to_date, me
from vital.db.sql import shown
from vital.errors import OutOfOrder, require_reason
from vital.lazy import names_of

if TYPE_CHECKING:
    from migrations_ops.runs.enqueue import (
        NOT_NOW,
        BrokerIsDown,
        abandoned,
        resume_in_background,
        start_in_background,
        undo_in_background,
    )
    from migrations_ops.runs.forecast import forecast_run, forecast_undo, undo_horizon
    from migrations_ops.runs.removal import indexes_for_removal
    from migrations_ops.runs.resume import NotToAdvance, advance, resume
    from migrations_ops.runs.runner import Actor, Request, Result, open_run, run
    from migrations_ops.runs.stop import stop, work
    from migrations_ops.runs.undo import preview_undo, undo_phases
    from migrations_ops.runs.workers import NothingToHelp

__all__ = [
    "NOT_NOW",
    "Actor",
    "BrokerIsDown",
    "ListedRun",
    "LogFiles",
    "NotToAdvance",
    "NothingToHelp",
    "OneRun",
    "Request",
    "Result",
    "UnknownRun",
    "abandoned",
    "advance",
    "choices",
    "disarm",
    "findings_of_run",
    "follow",
    "forecast_run",
    "forecast_undo",
    "forget_key",
    "indexes_for_removal",
    "ledger_size",
    "legacy_writes",
    "log_tail",
    "one_run",
    "open_run",
    "preview_undo",
    "preview_uninstall",
    "purge_ledger",
    "rearm",
    "resume",
    "resume_in_background",
    "rows_of",
    "run",
    "run_with_allowed_actions",
    "runs",
    "start_in_background",
    "status",
    "stop",
    "tune",
    "undo_horizon",
    "undo_in_background",
    "undo_phases",
    "unfinished",
    "uninstall",
    "validate",
    "work",
]
__getattr__ = names_of(
    __package__,
    {
        "enqueue": "NOT_NOW BrokerIsDown abandoned resume_in_background start_in_background undo_in_background",
        "forecast": "forecast_run forecast_undo undo_horizon",
        "removal": "indexes_for_removal",
        "resume": "NotToAdvance advance resume",
        "runner": "Actor Request Result open_run run",
        "stop": "stop work",
        "undo": "preview_undo undo_phases",
        "workers": "NothingToHelp",
    },
)

LOOK_AGAIN = 1.0  # seconds, as often as a run says where it is


def status() -> dict[str, Any]:
    """How far the migration is; see `status.status`. With the last rehearsal and maintenance."""
    with open_session(read_only=True) as session:
        holding = chosen(session)
        plan = holding.plan
        document = reading.status(session, plan, phases_of(plan))
        upkeep = maintenance.state(session) if session.named("has_maintenance")[0][0] else {"on": False}
        named = {"from": holding.in_words, "digest": plan.digest, "differs": holding.differs}
        return document | {"rehearsal": records.last(session), "maintenance": upkeep, "plan": named}


def validate(listener: Listener) -> int:
    """005 alone, read-only: asks every question and writes nothing. Returns the number of failed checks."""
    from migrations_ops.engine import checks

    failed = 0
    with open_session(read_only=True) as session:
        plan = current_plan(session)
        phase = next(phase for phase in phases_of(plan) if phase.reads_only)
        if not tenants_are_there(session):
            raise OutOfOrder(phase=phase.key, needed="001_schema_fixes")
        listener.phase_started(phase)
        for step in phase.steps:
            assert isinstance(step, Check)
            listener.step_started(phase, step)
            outcome = checks.outcome_of(step, checks.ask(session, step, partial(listener.waiting, step)))
            listener.step_done(phase, step, outcome)
            failed += outcome.status == "FAIL"
        listener.phase_done(phase, "failed" if failed else "completed", 0.0, "")
    return failed


def choices() -> dict[str, list[str]]:
    """What a run can be limited to: the plan's phases (keys), tenants (slugs) and tables, in the plan's order."""
    plan = current_plan()
    return {
        "phases": list(TITLES),
        "tenants": [tenant.slug for tenant in plan.tenants],
        "tables": [shown(spec.relation) for spec in plan.tables],
    }


def tune(changes: dict[str, str]) -> dict[str, Any]:
    """Set limits (an empty value: the default again), also of a run at work; see `throttle_settings.show`."""
    from migrations_ops.runs import throttle_settings

    throttle_settings.check(changes)
    with open_session(read_only=not changes) as session:
        if changes and not session.named("is_set_up")[0][0]:
            bring_up_to_date()
        throttle_settings.change(session, changes, me())
        return throttle_settings.show(session)


def disarm(reason: str, waiting: Callable[[str], None]) -> list[str]:
    """Turn isolation off for everyone but tenants, and write down who did and why; returns the tables."""
    from migrations_ops.runs import rls_switch

    reason = require_reason(reason, "Turning isolation off or on")
    with open_with_plan() as (session, plan), session.run_lock():
        if not session.named("is_set_up")[0][0]:
            raise rls_switch.NeverIsolated
        return rls_switch.disarm(session, plan, me(), reason, waiting)


def rearm(reason: str, listener: Listener) -> "Result":
    """Carry out 006 again, which closes what is open and ends with the attack run.

    Raises ReasonRequired, NeverIsolated.
    """
    from migrations_ops.phases.row_level_security import KEY
    from migrations_ops.runs import rls_switch
    from migrations_ops.runs.runner import Actor, Request, run

    reason = require_reason(reason, "Turning isolation off or on")
    with open_with_plan() as (session, plan):
        if not session.named("is_set_up")[0][0]:
            raise rls_switch.NeverIsolated
        tables = list(rls_switch.closed_tables(session, plan))
        audit.note(session, me(), "rearm", reason, {"tables": tables})
    return run(Request(only=KEY), listener, Actor(reason=reason))


def preview_uninstall() -> dict[str, Any]:
    """What an uninstall would remove; see `uninstall.removal`. Only reads."""
    from migrations_ops.runs import uninstall as removing

    with open_session(read_only=True) as session:
        found = removing.removal(session)
        return {"status": "shown" if found else "nothing_to_do"} | found.document()


def uninstall(waiting: Callable[[str], None]) -> dict[str, Any]:
    """Remove what is VITAL's own; see `uninstall.uninstall`."""
    from migrations_ops.runs import uninstall as removing

    with open_session() as session, session.run_lock():
        found = removing.uninstall(session, waiting)
        return {"status": "removed" if found else "nothing_to_do"} | found.document()


def ledger_size() -> dict[str, Any]:
    """See `ledger_retention.size`. Only reads."""
    from migrations_ops.runs import ledger_retention

    with open_session(read_only=True) as session:
        if not session.named("is_set_up")[0][0]:
            raise NotSetUp
        return ledger_retention.size(session)


def purge_ledger(days: int, reason: str, *, dry_run: bool, who: str = "") -> dict[str, Any]:
    """See `ledger_retention.purge`. Waits for no run: an undo that goes on asks for entries that stand."""
    from migrations_ops.runs import ledger_retention

    with open_session() as session, session.run_lock():
        if not session.named("is_set_up")[0][0]:
            raise NotSetUp
        return ledger_retention.purge(session, days, who or me(), reason, dry_run=dry_run)


def forget_key(table: str, key: str, reason: str, *, who: str = "") -> dict[str, Any]:
    """See `ledger_retention.forget`."""
    from migrations_ops.runs import ledger_retention

    with open_with_plan() as (session, plan), session.run_lock():
        if not session.named("is_set_up")[0][0]:
            raise NotSetUp
        return ledger_retention.forget(session, plan, table, key, who or me(), reason)


def runs(limit: int) -> list[ListedRun]:
    """The last runs and undos, the newest first; see `queries.runs`."""
    with open_session(read_only=True) as session:
        return queries.runs(session, limit)


def one_run(run_id: int) -> OneRun:
    """A run with its phases and how it goes; see `queries.run`. Raises UnknownRun."""
    with open_session(read_only=True) as session:
        return queries.run(session, run_id)


def unfinished() -> dict[str, Any] | None:
    """The run or undo that is not over; see `queries.Unfinished`. A new one resumes it, or abandons it."""
    with open_session(read_only=True) as session:
        found = queries.unfinished(session)
        return found.document() if found else None


def run_with_allowed_actions(run_id: int) -> dict[str, Any]:
    """`run` as `one_run` has it, and for each of pause, resume, cancel and undo in `why_not` why it cannot be done now,
    or nothing; in `restored` what a restore has written. Raises UnknownRun."""
    from migrations_ops.runs import allowed_actions

    with open_session(read_only=True) as session:
        run = queries.run(session, run_id)
        newest = queries.latest(session) or run_id
        reasons = allowed_actions.why_not(run) | {"undo": allowed_actions.why_no_undo(session, run, newest)}
        restored = queries.rows_restored(session, run_id) if run["kind"] == "restore" else []
        return {"run": run, "why_not": reasons, "newest": newest, "restored": restored}


def legacy_writes() -> list[dict[str, Any]]:
    """Tables that old code still writes to without a tenant: rows that got theirs on the way, and when last."""
    with open_session(read_only=True) as session:
        return [{"table": shown(table), **facts} for table, facts in queries.legacy_writes(session).items()]


def findings_of_run(run_id: int, limit: int) -> dict[str, Any]:
    """What the run's checks found; see `queries.findings`. Raises UnknownRun."""
    with open_session(read_only=True) as session:
        return queries.findings(session, run_id, limit)


def follow(run_id: int, seconds: float) -> Generator[OneRun]:
    """The run as it stands, about once a second, until it is not running any more, and for so many seconds at most.

    One connection, and no transaction between two looks. Raises UnknownRun.
    """
    until = time.monotonic() + seconds
    with open_session(read_only=True) as session:
        while True:
            document = queries.run(session, run_id)
            yield document
            if document["status"] != "running" or time.monotonic() > until:
                return
            time.sleep(LOOK_AGAIN)
