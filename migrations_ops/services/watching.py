"""Runs looked at: all of them, one with its phases, one as it goes. Nothing here writes."""

import time
from collections.abc import Iterator
from typing import Any

from migrations_ops import steering, watching
from migrations_ops.services.database import open_session

LOOK_AGAIN = 1.0  # seconds, as often as a run says where it is


def runs(limit: int) -> list[dict[str, Any]]:
    """The last runs and undos, the newest first; see `watching.runs`."""
    with open_session(read_only=True) as session:
        return watching.runs(session, limit)


def one_run(run_id: int) -> dict[str, Any]:
    """A run with its phases and how it goes; see `watching.run`. Raises UnknownRun."""
    with open_session(read_only=True) as session:
        return watching.run(session, run_id)


def unfinished() -> dict[str, Any] | None:
    """The run or undo that is not over: `id`, `kind`, `status`; a new one resumes it, or gives it up."""
    with open_session(read_only=True) as session:
        found = session.named("unfinished_run") if session.named("is_set_up")[0][0] else []
        return dict(zip(("id", "kind", "status"), found[0], strict=False)) if found else None


def seat(run_id: int) -> dict[str, Any]:
    """Before the wheel of a run: `run` as `one_run` has it, and for each of pause, resume, cancel and undo in `why_not`
    why it cannot be done now, or nothing. Raises UnknownRun."""
    with open_session(read_only=True) as session:
        run = watching.run(session, run_id)
        newest = watching.runs(session, 1)[0]["id"]
        reasons = steering.why_not(run) | {"undo": steering.why_no_undo(session, run, newest)}
        return {"run": run, "why_not": reasons, "newest": newest}


def late_rows() -> list[dict[str, Any]]:
    """Tables that old code still writes to without a tenant: rows that got theirs on the way, and when last."""
    with open_session(read_only=True) as session:
        return watching.late(session)


def findings_of_run(run_id: int, limit: int) -> dict[str, Any]:
    """What the run's checks found; see `watching.findings`. Raises UnknownRun."""
    with open_session(read_only=True) as session:
        return watching.findings(session, run_id, limit)


def follow(run_id: int, seconds: float) -> Iterator[dict[str, Any]]:
    """The run as it stands, about once a second, until it is not running any more, and for so many seconds at most.

    One connection, and no transaction between two looks. Raises UnknownRun.
    """
    until = time.monotonic() + seconds
    with open_session(read_only=True) as session:
        while True:
            document = watching.run(session, run_id)
            yield document
            if document["status"] != "running" or time.monotonic() > until:
                return
            time.sleep(LOOK_AGAIN)
