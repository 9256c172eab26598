"""Carry out a Statement, once, and its undo. Only what VITAL applied itself is ever undone."""

from collections.abc import Callable

from psycopg.types.json import Jsonb

from migrations_ops.engine import locks, partitions
from migrations_ops.engine.progress import Clock, Outcome
from migrations_ops.engine.session import Session
from migrations_ops.engine.steps import Memo, Statement

Waiting = Callable[[str], None]


def is_ready(session: Session, statement: Statement) -> bool:
    if statement.ready is None:
        return True
    with session.work():
        return bool(session.value(statement.ready))


def is_there(session: Session, statement: Statement) -> bool:
    return bool(session.value(statement.there))


def apply(session: Session, phase: str, run: int, statement: Statement, waiting: Waiting) -> Outcome:
    """Make the change unless it is there: `later` where it cannot be made yet, `already` where nothing was to do."""
    if not locks.retried(session, statement.locks, lambda: is_ready(session, statement), waiting):
        return Outcome("later")
    if is_there(session, statement):
        return Outcome("already")
    memo = session.value(statement.memo) if statement.memo is not None else None
    note = {"phase": phase, "statement": statement.name, "memo": Jsonb(memo), "run": run}
    if statement.online:
        session.named("note_applied", note)
        _online(session, statement, waiting)
    else:
        held = locks.retried(session, statement.locks, lambda: _at_once(session, statement, note), waiting)
        return Outcome("done", longest_lock=held)
    return Outcome("done")


def _at_once(session: Session, statement: Statement, note: Memo) -> float:
    """Make the change and return the seconds for which its locks were held, the short wait for them included.

    A change that reads or rewrites its table does so within its first statement, which must be counted.
    """
    clock = Clock()
    with session.work(as_operator=False):
        for change in statement.up:
            session.execute(change)
        session.named("note_applied", note)
    return clock.seconds


def _online(session: Session, statement: Statement, waiting: Waiting) -> None:
    """Outside a transaction and without a lock timeout: CONCURRENTLY waits without anybody queueing behind it."""
    if statement.index is not None and partitions.has(session, statement.relation):
        partitions.build_index(session, statement.relation, statement.index, waiting)
        return
    if statement.repair is not None:
        session.execute(statement.repair)
    for change in statement.up:
        session.execute(change)


def was_applied(session: Session, phase: str, statement: Statement) -> bool:
    return bool(session.named("applied_memo", {"statement": statement.name, "phase": phase}))


def undo(session: Session, phase: str, statement: Statement, waiting: Waiting) -> Outcome:
    """Take the change back if this phase made it. `already` where VITAL had not made it."""
    noted = session.named("applied_memo", {"statement": statement.name, "phase": phase})
    if not noted:
        return Outcome("already")
    changes = statement.down(noted[0][0] or {})

    def take_back() -> None:
        with session.work(as_operator=False):
            for change in changes:
                session.execute(change)
            session.named("forget_applied", {"statement": statement.name})

    if statement.online:
        if statement.index is not None and partitions.has(session, statement.relation):
            partitions.drop_index(session, statement.relation, statement.index, waiting)
        else:
            for change in changes:
                session.execute(change)
        session.named("forget_applied", {"statement": statement.name})
    else:
        locks.retried(session, statement.locks, take_back, waiting)
    return Outcome("done")
