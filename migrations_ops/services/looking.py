"""Questions about the migration and about rows. Nothing here writes."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import psycopg

from migrations_ops import explaining, maintenance, reading
from migrations_ops.engine import checks
from migrations_ops.engine.errors import OutOfOrder
from migrations_ops.engine.progress import Listener, Outcome
from migrations_ops.engine.session import Session
from migrations_ops.engine.steps import Check
from migrations_ops.foresight import compare
from migrations_ops.foresight import preview as foresight
from migrations_ops.foresight.ask import refuse_what_does_not_fit
from migrations_ops.init_plan import draft
from migrations_ops.plan import phases as phases_of
from migrations_ops.rehearsal import records
from migrations_ops.rules.load import load
from migrations_ops.rules.model import Plan
from migrations_ops.services.database import current_plan, open_session, phase_states, tenants_are_there
from migrations_ops.services.patience import within
from migrations_ops.services.plans import chosen
from migrations_ops.workshop import suggest as workshop


def status() -> dict[str, Any]:
    """How far the migration is; see `reading.status`. With the last rehearsal and maintenance."""
    holding = chosen()
    plan = holding.plan
    with open_session(read_only=True) as session:
        states = phase_states(session) if session.named("is_set_up")[0][0] else []
        document = reading.status(session, plan, phases_of(plan), states)
        upkeep = maintenance.state(session) if session.named("has_maintenance")[0][0] else {"on": False}
        named = {"from": holding.in_words, "digest": plan.digest, "differs": holding.differs}
        return document | {"rehearsal": records.last(session), "maintenance": upkeep, "plan": named}


def validate(listener: Listener) -> int:
    """005 alone, read-only: asks every question and writes nothing. Returns the number of failed checks."""
    plan = current_plan()
    failed = 0
    with open_session(read_only=True) as session:
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


def preview(against: Path | None, waiting: Callable[[str], None], patience: float | None = None) -> dict[str, Any]:
    """What a run would do now, and what another plan would change of that; see `foresight`. Writes nothing.

    Raises TookTooLong after `patience` seconds, where they are given.
    """
    plan, other = current_plan(), load(against) if against else None
    with open_session() as session, within(session, patience):
        session.read_as_operator()
        refuse_what_does_not_fit(session, plan)
        if other is not None:
            refuse_what_does_not_fit(session, other, "The other plan")
    with open_session(read_only=True) as session, within(session, patience):
        document = foresight.preview(session, plan, waiting) | {"plan_file": chosen().in_words}
        if other is not None:
            document["against"] = compare.against(session, plan, other, waiting) | {"plan_file": str(against)}
        return document


def choices() -> dict[str, list[str]]:
    """What a run can be limited to: the plan's phases (keys), tenants (slugs) and tables, in the plan's order."""
    plan = current_plan()
    return {
        "phases": [phase.key for phase in phases_of(plan)],
        "tenants": [tenant.slug for tenant in plan.tenants],
        "tables": [reading.shown(spec.relation) for spec in plan.tables],
    }


def init_plan(schemas: Sequence[str], root: str) -> str:
    """A starting plan for a database that has none; see `init_plan.draft`. Only reads."""
    with open_session(read_only=True) as session:
        return draft.draft(session, schemas, root)


def explain(table: str, key: str) -> dict[str, Any]:
    """Why a row is where it is; see `explaining`."""
    with open_session(read_only=True) as session:
        if not tenants_are_there(session):
            raise OutOfOrder(phase="explain", needed="001_schema_fixes")
        return explaining.explain(session, current_plan(), table, key)


def suggest(table: str, rule: str, patience: float | None = None) -> dict[str, Any]:
    """Rules proposed for rows that none, or only the fall-back rule, decides; see `workshop.suggest`. Only reads.

    Raises TookTooLong after `patience` seconds, where they are given.
    """
    plan = current_plan()
    asked = reading.named(plan, table).relation if table else ""
    with open_session(read_only=True) as session, within(session, patience):
        return workshop.suggest(session, plan, asked, rule)


def pre_validation(session: Session, plan: Plan) -> list[dict[str, Any]]:
    """What 000 finds, asked and not written down."""
    asked = []
    for step in phases_of(plan)[0].steps:
        if isinstance(step, Check):
            outcome = _outcome(session, step)
            asked.append({"check": step.name, "outcome": outcome.status, "messages": outcome.messages})
            if step.gate and outcome.status == "FAIL":
                break
    return asked


def _outcome(session: Session, check: Check) -> Outcome:
    """A database from before VITAL has no schema of VITAL's, and is given none here: it is to be as it was."""
    try:
        return checks.outcome_of(check, checks.ask(session, check))
    except (psycopg.errors.InvalidSchemaName, psycopg.errors.UndefinedTable):
        return Outcome("later", messages=["VITAL has no tables of its own here yet; a run makes them and asks"])
