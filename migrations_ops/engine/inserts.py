"""Carry out an Insert: one transaction, one ledger entry."""

from psycopg.sql import Composable

from migrations_ops.engine.session import QUERIES, Session
from migrations_ops.engine.step_context import Watch
from migrations_ops.engine.steps import Insert
from migrations_ops.engine.tracking import StepRecord
from vital.db import retry, sql


def anything_left(session: Session, step: Insert) -> bool:
    """Whether a row is still missing. Read-only."""
    return bool(session.named("anything_missing", rows=step.rows)[0][0])


def run(session: Session, step: Insert, record: StepRecord, watch: Watch) -> None:
    """Add the rows that are missing; `rows` leaves out what is there."""

    def transaction() -> None:
        with session.work():
            session.as_applications()
            add(session, step, record)

    retry.retried(session, (step.table.relation,), transaction, watch.waiting)
    record.recount()


def add(session: Session, step: Insert, record: StepRecord) -> int:
    """The same in a transaction of the caller's; returns how many were added."""
    every = session.columns(step.table.relation)
    given = [next(column for column in every if column.name == name) for name in step.columns]
    facts = {
        "run": record.run,
        "phase": record.phase,
        "step": step.name,
        "kind": step.kind,
        "relation": step.table.relation,
        "rule": step.rule,
        "hashed": [column.name for column in every],
    }
    statement: Composable = sql.compose(
        QUERIES["insert_rows"],
        relation=sql.relation(step.table.relation),
        columns=sql.join(sql.ident(c) for c in step.columns),
        values=sql.join(sql.typed("r", column) for column in given),
        rows=step.rows,
        key=sql.key_text("t", step.table.key),
        hash=sql.row_hash("t", every),
    )
    added = int(session.execute(statement, facts)[0][0])
    record.count(added, added, 0)
    return added
