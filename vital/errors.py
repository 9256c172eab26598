"""What can go wrong. The docstring of an error is its message and says the next step."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any


class EngineError(Exception):
    """Something went wrong."""

    exit_code = 1

    def __init__(self, **facts: Any) -> None:
        self.facts = facts
        super().__init__(" ".join((type(self).__doc__ or "").split()).format(**facts))

    def __reduce__(self) -> tuple[Any, ...]:
        """A worker's process hands its error to the one that logs it."""
        return partial(type(self), **self.facts), ()


class ServerTooOld(EngineError):
    """The server is PostgreSQL {version}, and VITAL needs 14 to 18. Nothing was changed. Upgrade the server first."""


class PooledConnection(EngineError):
    """The connection goes through a pooler in transaction mode, which hands locks and settings on to strangers. Nothing
    was changed. Give the direct connection (often port 5432 instead of 6543) in VITAL_MIGRATIONS_DATABASE_URL."""


class AnotherRunIsActive(EngineError):
    """Another run is active: {holder}. Wait for it, or stop it there; nothing was started here. If its process is gone
    for certain, end its session: SELECT pg_terminate_backend(the pid above)."""


class PhaseRefused(EngineError):
    """{phase}: {failed} failed. Nothing after it was started. See {log}; correct what it names, and run again."""


class StepFailed(EngineError):
    """{phase}: the step "{step}" failed{on}: {message} (SQLSTATE {sqlstate}). Nothing of it was kept. Correct the cause
    and run `./manage.py migrate_tenants` again: it continues here."""


class LockNotGranted(EngineError):
    """{relation} stayed locked by others through {attempts} attempts. Held by: {blockers}. Nothing was changed by this
    step. Let them finish or stop them, then run again."""


class ContentChanged(EngineError):
    """A batch of {relation} would have changed more than its {columns}: a trigger or a generated column reacts to it.
    The batch was rolled back. Find the trigger with \\d {relation}, guard or disable it, and run again."""


class NothingSticks(EngineError):
    """Rows of {relation} refuse their new {columns}: a trigger puts the old value back, or another session keeps
    changing them. What was assigned so far is kept. Find the trigger with \\d {relation}, disable it, and run again."""


class UndoRefused(EngineError):
    """Undo would lose or break {count} things, so nothing was changed. {advice}"""


class NoTerminal(EngineError):
    """{what} asks before it starts, and there is no terminal to ask on. Say --yes; nothing was changed."""

    exit_code = 2


class UndoFailed(EngineError):
    """The undo of {phase} failed: {message} (SQLSTATE {sqlstate}). What was undone stays undone. Correct the
    cause and undo again: it continues here."""


class ReasonRequired(EngineError):
    """{what} is written down with its reason: say --reason "..."; nothing was changed."""

    exit_code = 2


def require_reason(reason: str, what: str) -> str:
    """The reason without blanks around it; `what` begins the message where there is none. Raises ReasonRequired."""
    if not reason.strip():
        raise ReasonRequired(what=what)
    return reason.strip()


class OutOfOrder(EngineError):
    """{phase} needs {needed}, which is not completed: run that first, with --from {needed} or without --only/--from."""

    exit_code = 2


class Stopped(EngineError):
    """Stopped on request. What was done is kept; `./manage.py migrate_tenants` continues from here."""

    exit_code = 3


class ConnectionLost(EngineError):
    """The connection to the database was lost: {message}. What was committed is kept; run again and it continues."""


class UnknownTable(EngineError):
    """The plan has no table {name}. Its tables are: {known}."""

    exit_code = 2


def hint(value: str, known: Iterable[str], otherwise: str) -> str:
    """A sentence with the nearest of what is known, else with all of it."""
    every = list(known)
    close = difflib.get_close_matches(value, every, 1)
    return f" Did you mean {close[0]!r}?" if close else f" {otherwise}: {', '.join(every) or 'none'}."


@dataclass(frozen=True)
class Problem:
    """One row of a check's answer: the table it is about, the row's key (empty for the table itself), what is wrong."""

    relation: str
    key: str
    message: str
