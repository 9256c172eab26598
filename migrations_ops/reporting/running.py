"""A run as it is this second: asked again and again by pages, so it is four short questions on a kept connection."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.db import connection
from django.db.models import Count, Max, Q, Sum

from migrations_ops import transitions
from migrations_ops.engine import sql
from migrations_ops.engine.session import ADVISORY_LOCKS
from migrations_ops.models import LedgerEntry, PhaseRun, Run, StepRun
from migrations_ops.reading import shown, with_pace

QUERIES = sql.load(Path(__file__).parent / "sql")
FIGURES = ("rows_seen", "rows_changed", "findings", "wal_bytes", "longest_lock")
S = Run.Status

Document = dict[str, Any]


def document(run: Run) -> Document:
    """The run, each phase that it was asked for, what it does, who is at it, and what may be done with it now.

    Seconds, bytes, rows. `may` holds for each verb why it cannot be done now, or nothing.
    """
    at_work, workers = _at_work()
    unfinished = run.status in Run.UNFINISHED
    latest = Run.objects.order_by("-id").values_list("id", flat=True).first()
    return {
        "run": facts(run),
        "at_work": at_work and run.status == S.RUNNING,
        "workers": workers + 1 if at_work and run.status == S.RUNNING else 0,
        "progress": with_pace(run.progress) if unfinished else None,
        "phases": [*phases(run)],
        "may": {what: _why_not(what, run, at_work) for what in ("pause", "resume", "cancel")},
        "undo": "" if not at_work and run.pk == latest else _no_undo(at_work),
    }


def facts(run: Run) -> Document:
    """Who, when, what and by which plan; times as they are."""
    names = ("id", "kind", "status", "scope", "plan_digest", "started_by", "started_at", "finished_at", "seen_at")
    return {name: getattr(run, name) for name in names} | {
        "stop_requested": run.stop_requested,
        "error": (run.error or {}).get("message", ""),
        "over": run.status not in Run.UNFINISHED,
    }


def phases(run: Run) -> Iterable[Document]:
    """Each phase of the run in its order; one that was not begun is `pending`. An undo's are `rolled_back` or not."""
    if run.kind == Run.Kind.UNDO:
        records = {record.phase: record for record in _taken_back(run)}
    else:
        records = {record.phase: record for record in run.phase_runs.all()}
    for key in run.phases:
        record = records.get(key)
        yield {"phase": key, "number": key[:3], "name": key[4:].replace("_", " "), **_phase(record)}


def _taken_back(run: Run) -> Iterable[PhaseRun]:
    """The record of each phase of an undo as it was last written, where this undo wrote it."""
    last = PhaseRun.objects.filter(phase__in=run.phases, run_id__lt=run.pk).order_by("phase", "-id").distinct("phase")
    done = Q(status=PhaseRun.Status.ROLLED_BACK, completed_at__gte=run.started_at)
    return PhaseRun.objects.filter(done, pk__in=last.values("pk"))


def _phase(record: PhaseRun | None) -> Document:
    if record is None:
        return {"status": "pending", "seconds": None, **dict.fromkeys(FIGURES, 0), "error": "", "steps": 0}
    if record.status == PhaseRun.Status.STARTED:
        return _begun(record)
    figures = {name: record.metrics.get(name, 0) for name in FIGURES}
    error = (record.error or {}).get("message", "")
    return {"status": record.status, "seconds": record.metrics.get("seconds"), **figures, "error": error, "steps": 0}


def _begun(record: PhaseRun) -> Document:
    """A phase under way has no sums yet: they are made of its steps."""
    figures = StepRun.objects.filter(phase_run=record).aggregate(
        **{name: Sum(name) for name in FIGURES[:-1]},
        longest_lock=Max("longest_lock"),
        seconds=Sum("seconds"),
        steps=Count("id", filter=~Q(status=PhaseRun.Status.STARTED)),
    )
    return {"status": record.status, **{name: value or 0 for name, value in figures.items()}, "error": ""}


def late() -> list[Document]:
    """Tables that old code still writes to without a tenant: rows that got theirs on the way, and when last."""
    found = LedgerEntry.objects.filter(kind=LedgerEntry.Kind.LATE, undone_at=None).values("relation")
    summed = found.annotate(assigned=Sum("rows"), last_at=Max("written_at")).order_by("relation")
    return [{"table": shown(row.pop("relation")), **row} for row in summed]


def _at_work() -> tuple[bool, int]:
    space, run, worker = ADVISORY_LOCKS["run"]["space"], ADVISORY_LOCKS["run"]["key"], ADVISORY_LOCKS["worker"]["key"]
    with connection.cursor() as cursor:
        cursor.execute(QUERIES["who_is_at_work"], {"space": space, "run": run, "worker": worker})
        found: tuple[bool, int] = cursor.fetchone()
    return found


AFTER = {"pause": S.PAUSED, "resume": S.RUNNING, "cancel": S.CANCELLED}


def _why_not(what: str, run: Run, at_work: bool) -> str:
    """Why the run cannot be paused, resumed or cancelled now; an empty text where it can."""
    if (run.status, AFTER[what]) not in transitions.ARROWS:
        return f"A run that is {run.status} cannot be {PARTICIPLES[what]}."
    if what == "resume" and run.status == S.RUNNING and at_work:
        return "It is at work."
    if what == "pause" and run.stop_requested:
        return f"It was asked to {run.stop_requested} already, and stops after its batch."
    return ""


PARTICIPLES = {"pause": "paused", "resume": "resumed", "cancel": "cancelled"}


def _no_undo(at_work: bool) -> str:
    return "A run is at work: pause or cancel it first." if at_work else "An undo starts at the page of the last run."
