"""Carry out a Statement, once, and its undo. Only what VITAL applied itself is ever undone."""

from collections.abc import Callable
from contextlib import suppress

from psycopg import errors as pg
from psycopg.sql import Composable
from psycopg.types.json import Jsonb

from migrations_ops.engine import partitioned_index
from migrations_ops.engine.events import Clock, Outcome
from migrations_ops.engine.session import Session
from migrations_ops.engine.steps import SavedState, Statement
from migrations_ops.engine.tables import are_there, refuse_moved
from vital.db import retry, sql

Waiting = Callable[[str], None]
# What a change says of a table that is gone; one that composes itself from the catalogue finds no name there.
GONE = (pg.UndefinedTable, pg.UndefinedObject, pg.UndefinedFunction, pg.UndefinedColumn, pg.SyntaxError)


def is_ready(session: Session, statement: Statement) -> bool:
    if statement.ready is None:
        return True
    with session.work():
        return bool(session.value(statement.ready))


def is_wanted(session: Session, statement: Statement) -> bool:
    return statement.wanted(session) if callable(statement.wanted) else statement.wanted


def is_there(session: Session, statement: Statement) -> bool:
    applied = statement.is_applied
    return bool(applied(session) if callable(applied) else session.value(applied))


def apply(session: Session, phase: str, run: int, statement: Statement, waiting: Waiting) -> Outcome:
    """Make the change unless it is there: `later` where it cannot be made yet, `already` where nothing was to do.

    What is not wanted (any more) is withdrawn where an earlier run had made it.
    """
    if not is_wanted(session, statement):
        return undo(session, phase, statement, waiting)
    if not retry.retried(session, statement.locks, lambda: is_ready(session, statement), waiting):
        return Outcome("later")
    if is_there(session, statement):
        return Outcome("already")
    saved_state = session.value(statement.saved_state) if statement.saved_state is not None else None
    about = {"phase": phase, "statement": statement.name, "relation": statement.relation}
    note = about | {"memo": Jsonb(saved_state), "run": run}
    if statement.online:
        session.named("note_applied", note)
        _online(session, statement, waiting)
    else:
        held = retry.retried(session, statement.locks, lambda: _at_once(session, statement, note), waiting)
        return Outcome("done", longest_lock=held)
    return Outcome("done")


def _at_once(session: Session, statement: Statement, note: SavedState) -> float:
    """Make the change and return the seconds for which its locks were held, the short wait for them included.

    A change that reads or rewrites its table does so within its first statement, which must be counted.
    """
    clock = Clock()
    with session.work(as_operator=False):
        for change in changes(session, statement):
            session.execute(change)
        session.named("note_applied", note)
    return clock.seconds


def _online(session: Session, statement: Statement, waiting: Waiting) -> None:
    """Outside a transaction and without a lock timeout: CONCURRENTLY waits without anybody queueing behind it."""
    if statement.index is not None and partitioned_index.has(session, statement.relation):
        partitioned_index.build_index(session, statement.relation, statement.index, waiting)
        return
    if statement.repair is not None:
        session.execute(statement.repair)
    for change in changes(session, statement):
        session.execute(change)


def changes(session: Session, statement: Statement) -> tuple[Composable, ...]:
    """What makes the change in this database."""
    return statement.composed(session) if statement.composed is not None else statement.up


def was_applied(session: Session, phase: str, statement: Statement) -> bool:
    return bool(session.named("applied_saved_state", {"statement": statement.name, "phase": phase}))


def undo(session: Session, phase: str, statement: Statement, waiting: Waiting) -> Outcome:
    """Take the change back if this phase made it. `already` where VITAL had not made it. Raises TableMoved."""
    noted = session.named("applied_saved_state", {"statement": statement.name, "phase": phase})
    if not noted:
        return Outcome("already")
    saved_state, is_another = noted[0]
    way_back = statement.down(saved_state or {})
    tables = tuple(filter(None, (statement.relation, *statement.locks)))
    whole = are_there(session, *tables) and not is_another
    if not whole:
        refuse_moved(session, *tables)

    def take_back() -> None:
        with session.work(as_operator=False):
            for change in way_back:
                session.execute(change) if whole else _as_far_as_there(session, change)
            session.named("forget_applied", {"statement": statement.name})

    if statement.online and not whole:  # an index went with its table
        session.named("forget_applied", {"statement": statement.name})
    elif statement.online:
        retry.retried(session, statement.locks, lambda: _comes_in(session, statement), waiting)
        if statement.index is not None and partitioned_index.has(session, statement.relation):
            partitioned_index.drop_index(session, statement.relation, statement.index, waiting)
        else:
            for change in way_back:
                session.execute(change)
        session.named("forget_applied", {"statement": statement.name})
    else:
        retry.retried(session, statement.locks, take_back, waiting)
    return Outcome("done")


def _as_far_as_there(session: Session, change: Composable) -> None:
    """A table that somebody has dropped took with it what there was to take back."""
    with suppress(*GONE), session.connection.transaction():
        session.execute(change)


def _comes_in(session: Session, statement: Statement) -> None:
    """What is done outside a transaction waits for the table as long as it takes, without a word: first it is seen who
    keeps it closed."""
    with session.work(as_operator=False):
        for relation in statement.locks:
            session.named("look_in", relation=sql.relation(relation))
