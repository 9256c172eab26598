"""Decisions become the rows' tenants at once, on the engine's own path: batches with ledger, proof and counters.

They belong to 004, so that its undo takes them back and the next run, to which they are given, makes them again. Where
004 was never carried out, or somebody else is at work, they wait for that run.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import psycopg

from migrations_ops.engine import backfill
from migrations_ops.engine.events import Outcome
from migrations_ops.engine.failing_rows import is_refused_by_row
from migrations_ops.engine.session import Session
from migrations_ops.engine.step_context import Watch
from migrations_ops.engine.steps import Assign
from migrations_ops.engine.throttle import Throttle
from migrations_ops.engine.tracking import StepRecord
from migrations_ops.phases.assign_steps import assign as described
from migrations_ops.phases.queries import short
from migrations_ops.review.cascade import follow
from migrations_ops.review.queries import ask
from migrations_ops.rules.canary import touched
from migrations_ops.rules.model import Plan, TableSpec
from migrations_ops.rules.plan_keys import PHASES
from migrations_ops.rules.plan_tables import has_tenant_column
from vital.db import sql
from vital.errors import EngineError

PHASE = PHASES[-1]
AT_ONCE = 5_000  # rows whose pages are looked up together
LATER = "004_tenant_data has not been carried out yet: the run that does so makes them"


class Work:
    """One call's work on rows: who does it, and where it is written down."""

    def __init__(self, session: Session, plan: Plan, who: str, waiting: Callable[[str], None]) -> None:
        self.session, self.plan, self.who = session, plan, who
        self.watch = Watch(lambda *_: None, waiting, lambda: None, Throttle(session))
        self.changed = 0
        self._run = 0

    def run(self) -> int:
        """Noted with the first row that is changed: so that the ledger knows who."""
        if not self._run:
            facts = {"who": self.who, "digest": self.plan.digest}
            self._run = int(ask(self.session, "note_decision", facts)[0][0])
        return self._run

    def some(self, step: Assign, keys: list[str]) -> int:
        """Carry out a step for these rows; its record is one of 004's. Returns how many were changed."""
        follow(self.session, self.plan, self.plan.table(step.table.relation), keys)
        phase_run = standing(self.session, self.plan, step.table.relation)
        assert phase_run is not None, "asked before"
        record = StepRecord.open(self.session, phase_run, self.run(), PHASE, step.name, step.table.relation)
        before = record.rows_changed
        backfill.some(self.session, step, record, self.watch, keys)
        record.close(Outcome("done", rows_changed=record.rows_changed))
        changed = int(record.rows_changed - before)
        self.changed += changed
        return changed


def standing(session: Session, plan: Plan, relation: str) -> int | None:
    """The record of 004 that stands and has touched this table; None where rows of it cannot be assigned yet."""
    for phase_run, scope in ask(session, "standing_records", {"phase": PHASE}):
        if touched(plan, [scope]).has(relation):
            return int(phase_run)
    return None


def decided(
    session: Session, plan: Plan, relations: set[str], moment: datetime, who: str, waiting: Callable[[str], None]
) -> dict[str, Any]:
    """Carry out what was decided at this moment: how many rows it changed, and why not all of them where that is so."""
    work = Work(session, plan, who, waiting)
    try:
        with session.run_lock():
            later = [not _of_table(work, plan.table(relation), moment) for relation in sorted(relations)]
    except (EngineError, psycopg.Error) as error:
        if isinstance(error, psycopg.Error) and not is_refused_by_row(error):
            raise
        return {"carried_out": work.changed, "waits": str(error)}
    return {"carried_out": work.changed, "waits": LATER if any(later) else None}


def _of_table(work: Work, spec: TableSpec, moment: datetime) -> bool:
    """Whether the table's rows could be decided."""
    if standing(work.session, work.plan, spec.relation) is None or not has_tenant_column(work.session, spec):
        return False
    facts = {"relation": spec.relation, "moment": moment, "rows": AT_ONCE}
    after = ""
    while keys := [key for (key,) in ask(work.session, "decided_keys", facts | {"after": after})]:
        work.some(by_people(work.plan, spec), keys)
        after = keys[-1]
    return True


def by_people(plan: Plan, spec: TableSpec) -> Assign:
    """People's decisions alone: no rule has a say, and a row that waits for one is left to its phase."""
    step = described(plan, spec, ())
    return Assign(
        name=f"decisions about {short(spec.relation)}",
        table=step.table,
        columns=step.columns,
        verdict=step.verdict,
        open=sql.raw("false"),
        reassignable=step.reassignable,
    )
