"""VITAL's own writes to a small table, and its comparison with its baseline."""

import time
from collections.abc import Callable

from migrations_ops.engine import backfill, baseline, ledger
from migrations_ops.engine.baseline import Comparison
from migrations_ops.engine.ledger import Touched
from migrations_ops.engine.session import Session
from migrations_ops.engine.steps import Assign, Table
from migrations_ops.engine.tracking import PhaseRecord, StepRecord
from tests.support import patience
from tests.support.cast import PHARMA
from tests.support.engine_watch import quiet
from vital.db import sql

THINGS = Table("public.things", ("id",))
RUN = {
    "kind": "run", "phases": [], "digest": "", "plan": "", "by": "the tests", "reason": "", "scope": "",
    "in_background": False,
}  # fmt: skip


App = Callable[..., None]


def compared(session: Session, table: Table = THINGS) -> Comparison:
    """The table as it is now, compared with its baseline."""
    (found,) = baseline.compare(session, [table])
    return found


def settled(session: Session, foreign: int, table: Table = THINGS) -> Comparison:
    """The comparison once the server has told how many rows were deleted, which takes it a moment."""
    deadline = time.monotonic() + patience.seconds(15)
    while (found := compared(session, table)).foreign != foreign and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


def record(session: Session, phase: str, step: str, relation: str) -> StepRecord:
    """Where a step of the open run counts."""
    return PhaseRecord(session, session.value("SELECT max(id) FROM vital.run"), phase).step(step, relation)


def give_all_to(tenant: str) -> Assign:
    """Our own change: the tenant of every row that has none."""
    return Assign(
        name="give",
        table=THINGS,
        columns=("tenant_id",),
        verdict=sql.compose(
            "SELECT vital_row, {t}::uuid AS tenant_id, 'all' AS rule FROM batch", t=sql.literal(tenant)
        ),
        open=sql.raw("t.tenant_id IS NULL"),
    )


def carry_out(session: Session, phase: str = "004_tenant_data") -> int:
    """Our own change, in batches; the number of rows changed."""
    step = record(session, phase, "give", THINGS.relation)
    backfill.run(session, give_all_to(PHARMA), step, quiet(session))
    return int(step.rows_changed)


def take_back(session: Session, phase: str = "004_tenant_data") -> None:
    """The undo of our own change."""
    undone = ledger.undo_phase(session, phase, {THINGS.relation: Touched(THINGS, ("tenant_id",))}, quiet(session))
    assert undone.conflicts == []
