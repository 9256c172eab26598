"""The distribution shown, carried out and taken back, under the run's lock and in the records of runs."""

from collections.abc import Callable
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from migrations_ops.distribution import checks, keys
from migrations_ops.distribution.phase import KEY, phase
from migrations_ops.distribution.placement import Layout, layout_of, tables_of
from migrations_ops.distribution.queries import query
from migrations_ops.engine import checks as asking
from migrations_ops.engine import undo
from migrations_ops.engine.events import Listener
from migrations_ops.engine.executor import Executor, has_work
from migrations_ops.engine.session import Session
from migrations_ops.engine.steps import Phase
from migrations_ops.models import Run
from migrations_ops.phase_state import make_ready, open_with_plan, phase_states
from migrations_ops.rules.model import Plan
from migrations_ops.runs.callbacks import RunCallbacks
from migrations_ops.runs.runner import Actor, Result, accounting, check_stop, open_or_go_on
from tenants import maintenance
from vital.db import sql
from vital.db.sql import shown
from vital.errors import EngineError, StepFailed

COUNTED_TO = 100_000  # rows
HALF_UNDONE = "its undo is not finished: distribute --undo again, or distribute --yes to do it again"


class NoCluster(EngineError):
    """This server has no citus extension, so its tables stay on one server: nothing can be distributed. Nothing was
    changed. Where Citus is to be had, and how: docs/how-to/citus.md"""

    exit_code = 2


class NotMigrated(EngineError):
    """Nothing was migrated in this database yet, and only what is isolated can be distributed: ./manage.py
    migrate_tenants first. Nothing was changed."""

    exit_code = 2


class PlacingFailed(EngineError):
    """{phase}: the step "{step}" failed{on}: {message} (SQLSTATE {sqlstate}). Nothing of it was kept. Correct the cause
    and say `./manage.py distribute --yes` again, which continues here, or `--undo --yes`."""


def shown_plan(waiting: Callable[[str], None]) -> dict[str, Any]:
    """What `distribute --yes` would do, and what stands in the way or is lost. Only reads."""
    with open_with_plan(read_only=True) as (session, plan):
        refuse(session)
        layout = layout_of(session, plan)
        found = _found(session, plan, layout, waiting)
        return {
            "status": "distributed" if _stands(session) else "shown",
            "nodes": [{"node": name, "shards": shards} for name, shards in session.execute(query("nodes_there"))],
            "tables": [_table(session, name, layout) for name in layout.placement],
            "foreign_keys": [] if _is_gated(found) else list(_keys(session, plan, layout)),
            "problems": found,
        }


def _table(session: Session, name: str, layout: Layout) -> dict[str, Any]:
    """What is shown of a table; how many rows, where a table is large, is what the server last estimated."""
    facts: dict[str, Any] = {}
    if size := layout.sizes.get(name):
        with session.work():
            (rows,) = session.execute(query("rows_up_to", relation=sql.relation(name), most=sql.literal(COUNTED_TO)))[0]
        is_estimated = rows > COUNTED_TO
        facts = {"rows": max(rows, size.rows) if is_estimated else rows, "bytes": size.bytes, "estimated": is_estimated}
    return {"table": shown(name), "placement": layout.placement[name], "why": layout.reasons.get(name, "")} | facts


def _found(session: Session, plan: Plan, layout: Layout, waiting: Callable[[str], None]) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    for check in checks.checks(plan, layout):
        problems = asking.ask(session, check, waiting).problems
        for one in problems:
            facts = {"check": check.name, "severity": check.severity.value}
            found.append(facts | {"table": shown(one.relation), "message": one.message, "gate": str(check.gate)})
        if problems and check.gate:
            break
    return found


def _is_gated(found: list[dict[str, str]]) -> bool:
    return any(one["gate"] == "True" for one in found)


def _keys(session: Session, plan: Plan, layout: Layout) -> list[dict[str, str]]:
    """Every foreign key, and what becomes of it."""
    found = []
    for relation in tables_of(plan):
        for one in keys.references_of(session, plan, relation):
            why = checks.lost(session, one, layout)
            becomes = "not kept" if why else "with the tenant" if one.gains_tenant(layout) else "as it is"
            facts = {"name": one.name, "table": shown(one.child), "to": shown(one.parent)}
            found.append(facts | {"becomes": becomes, "why": why})
    return found


def distribute(listener: Listener, actor: Actor | None = None) -> Result:
    """Place the tables, or go on where it stopped. Raises EngineError; what was done stays done."""
    with open_with_plan() as (session, plan), session.run_lock():
        refuse(session)
        make_ready(session)
        ours = phase(plan, layout_of(session, plan))
        states = {state["phase"]: state["status"] for state in phase_states(session)}
        if states.get(KEY) == "completed" and not has_work(session, ours):
            return Result("nothing_to_do", phases=phase_states(session))
        run_id, _ = open_or_go_on(session, plan, Run.Kind.RUN, [ours], actor or Actor(), resume=False)
        by = actor or Actor()
        maintenance.switch_on(session, by.who, f"run {run_id}", run_id)  # a row that is written meanwhile may be lost
        executor = Executor(session, run_id, listener, lambda: check_stop(session, run_id))
        callbacks = RunCallbacks(session, run_id, Run.Kind.RUN, listener)
        with callbacks.lifecycle(), accounting(session, run_id):
            callbacks.begin()
            callbacks.before(ours)
            _carried_out(executor, ours)
            callbacks.after(ours, "completed")
        return Result(Run.Status.COMPLETED, run_id, phase_states(session))


def take_back(listener: Listener, actor: Actor | None = None) -> Result:
    """Every table on the coordinator again, with its keys as they were. Raises UndoRefused before anything changes."""
    with open_with_plan() as (session, plan), session.run_lock():
        refuse(session)
        if not _stands(session):
            return Result("nothing_to_do", phases=phase_states(session))
        ours = phase(plan, layout_of(session, plan))
        undo.refuse_losses(session, [ours], [ours], None, listener.waiting)
        run_id, _ = open_or_go_on(session, plan, Run.Kind.UNDO, [ours], actor or Actor(), resume=False)
        by = actor or Actor()
        maintenance.switch_on(session, by.who, f"run {run_id}", run_id)
        executor = Executor(session, run_id, listener, lambda: check_stop(session, run_id))
        callbacks = RunCallbacks(session, run_id, Run.Kind.UNDO, listener)
        with callbacks.lifecycle(), accounting(session, run_id):
            callbacks.begin()
            callbacks.before(ours)
            session.named("spoil_phase", {"phase": KEY, "error": Jsonb({"message": HALF_UNDONE})})
            undone = _undone(executor, ours)
            callbacks.after(ours, "rolled back")
        return Result(Run.Status.COMPLETED, run_id, phase_states(session), undone=undone)


def _carried_out(executor: Executor, ours: Phase) -> None:
    try:
        executor.carry_out(ours)
    except StepFailed as error:
        raise PlacingFailed(**error.facts) from error


def _undone(executor: Executor, ours: Phase) -> Any:
    try:
        return undo.take_back(executor, ours, [ours], [KEY])
    except psycopg.Error as error:
        raise executor.failed_outside(ours, error) from error


def refuse(session: Session) -> None:
    """Raises NoCluster, NotMigrated."""
    if not session.on_cluster:
        raise NoCluster
    if not session.named("is_set_up")[0][0]:
        raise NotMigrated


def _stands(session: Session) -> bool:
    return KEY in {name for name, _ in session.named("phases_not_undone")}
