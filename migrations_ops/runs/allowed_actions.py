"""What a person may do to a run now, by the transitions that there are; and why not, in a sentence."""

from migrations_ops.engine.session import Session
from migrations_ops.models import Run
from migrations_ops.runs import transitions
from migrations_ops.runs.queries import OneRun

S = Run.Status
AFTER = {"pause": S.PAUSED, "resume": S.RUNNING, "cancel": S.CANCELLED}
DONE = {"pause": "paused", "resume": "resumed", "cancel": "cancelled"}


def why_not(run: OneRun) -> dict[str, str]:
    """For each of pause, resume and cancel why it cannot be done to the run; empty: it can."""
    return {what: _why_not(what, run) for what in AFTER}


def _why_not(what: str, run: OneRun) -> str:
    if (run["status"], AFTER[what]) not in transitions.ARROWS:
        return f"A run that is {run['status']} cannot be {DONE[what]}."
    if what == "resume" and run["kind"] == Run.Kind.RESTORE:
        return "It continues when the same is asked for again: ./manage.py tenants restore."
    if what == "resume" and run["at_work"]:
        return "It is running."
    if what in (run["stop_requested"], "pause") and run["stop_requested"]:
        return f"It was asked to {run['stop_requested']} already, and does so after its batch."
    return ""


def why_no_undo(session: Session, run: OneRun, newest: int) -> str:
    """Why an undo cannot start from this run's page; empty: it can. It takes phases back, whichever run did them."""
    if run["at_work"]:
        return "It is running: pause or cancel it first."
    if run["kind"] == Run.Kind.RESTORE:
        return f"A restore is undone by a command: ./manage.py tenants undo-restore {run['id']}"
    if run["id"] != newest:
        return f"What there is to undo is undone from the newest run's page, that of run {newest}."
    if not session.named("phases_not_undone"):
        return "Nothing is left to undo."
    return ""
