"""Rows that refuse their new values: found one by one, remembered with the reason, and left to a later run.

A batch that fails by the data of its rows is divided until the row is alone that refuses. Whatever else makes a batch
fail (a lost connection, a lock, a full disk, a right that is missing) is no row's fault and stops the run.
"""

from collections.abc import Sequence

import psycopg

from migrations_ops.engine.backfill_sql import Assignment
from migrations_ops.engine.session import Session
from migrations_ops.engine.tracking import StepRecord
from vital.db import sql
from vital.errors import ContentChanged, EngineError, NothingSticks

# SQLSTATE's classes of what a row's data is refused by. Those from I to Z, apart from XX, are a trigger's own (RAISE).
_OF_DATA = frozenset({"09", "21", "22", "23", "27", "2F", "38", "39", "44"})
LONGEST = 500  # characters of a reason
REFUSED = (psycopg.Error, ContentChanged, NothingSticks)
STUCK = "a trigger keeps its old value, or another session changes the row again and again"
OTHERWISE: dict[type[Exception], str] = {
    ContentChanged: "a trigger or a generated column would change more of it",
    NothingSticks: "a trigger puts its old value back",
}


class TooManyFailingRows(EngineError):
    """{count:,} rows of {relation} refuse their new {columns}, and the plan leaves {limit:,} at most (failing_limit).
    {reasons}. These rows are as they were, and what was assigned so far is kept. Correct the rows, or what refuses
    them, and run again: it continues here."""


def is_refused_by_row(error: Exception) -> bool:
    """Whether a batch failed by the data of its rows."""
    if not isinstance(error, psycopg.Error):
        return isinstance(error, ContentChanged | NothingSticks)
    state = error.sqlstate or ""
    return state[:2] in _OF_DATA or ("I" <= state[:1] <= "Z" and state[:2] != "XX")


def reason_of(error: Exception) -> tuple[str, str]:
    """(SQLSTATE, what the server said). Its details may show other rows, so they are left out."""
    if not isinstance(error, psycopg.Error):
        return "", OTHERWISE[type(error)]
    said = " ".join((error.diag.message_primary or str(error)).split())
    return error.sqlstate or "", said if len(said) <= LONGEST else f"{said[:LONGEST]}…"


class FailingRows:
    """The rows of one step that have refused, as its workers find them. `limit` is how many of them may be left."""

    def __init__(self, session: Session, work: Assignment, record: StepRecord, limit: int) -> None:
        self.session, self.work, self.record, self.limit = session, work, record, limit
        step = work.step
        self._which: sql.Params = {"relation": step.table.relation, "step": step.name}

    def try_again(self, keys: Sequence[str] | None = None) -> None:
        """Forget those that were left before, or these of them: what refused them may have been corrected since."""
        with self.session.work():
            self.session.named("forget_failing_rows", self._which | {"keys": None if keys is None else list(keys)})

    def leave(self, key: str, error: Exception) -> None:
        """Remember the row, or what it is now, and go on without it. Raises TooManyFailingRows."""
        self._note(key, *reason_of(error))

    def leave_stuck(self, leaf: str) -> None:
        """The same of all rows that no attempt has changed, though nothing was refused. Raises TooManyFailingRows."""
        with self.session.work():
            found = self.session.execute(self.work.undecided_statement(leaf), {"rows": self.limit + 1})
        for (key,) in found:
            self._note(key, "", STUCK)

    def _note(self, key: str, sqlstate: str, message: str) -> None:
        facts = self._which | {"key": key, "sqlstate": sqlstate, "message": message, "run": self.record.run}
        with self.session.work():
            self.session.execute(self.work.failing_statement(), facts)
        self.refuse_too_many()

    def refuse_too_many(self) -> None:
        """Raise TooManyFailingRows where more are left than may be; several workers leave some."""
        with self.session.work():
            reasons = self.session.named("reasons_of_failing_rows", self._which)
        count = sum(rows for rows, *_ in reasons)
        if count > self.limit:
            raise TooManyFailingRows(
                count=count,
                relation=self.work.step.table.relation,
                columns=", ".join(self.work.step.columns),
                limit=self.limit,
                reasons="; ".join(_in_words(*reason) for reason in reasons[:3]),
            )


def _in_words(rows: int, sqlstate: str, message: str, key: str) -> str:
    state = f" (SQLSTATE {sqlstate})" if sqlstate else ""
    return f"{rows:,} of them, like {key}: {message}{state}"
