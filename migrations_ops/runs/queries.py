"""Runs as they are read: by commands, REST, the admin's pages, reports and the monitor. Nothing here writes.

Times in documents are ISO 8601, tables as people call them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NotRequired, TypedDict

from psycopg.sql import Composable

from migrations_ops.engine.session import Session
from migrations_ops.models import Run
from migrations_ops.phase_state import phase_states
from vital.db import sql
from vital.db.session import ADVISORY_LOCKS
from vital.db.sql import shown
from vital.errors import EngineError

QUERIES = sql.load(Path(__file__).parent / "sql")
Document = dict[str, Any]
COLUMNS = (
    *("id", "kind", "status", "started_by", "reason", "started_at", "finished_at", "scope", "phases"),
    *("in_background", "stop_requested", "progress", "seen_at", "error"),
)
STATE = ("phase", "status", "run", "started_at", "completed_at", "metrics", "error")


class UnknownRun(EngineError):
    """There is no run {run}. The runs there are: ./manage.py migrate_tenants status, or GET /api/migrations/runs."""

    exit_code = 2


class NothingToStop(EngineError):
    """There is no unfinished run: nothing to pause, resume or cancel. `./manage.py migrate_tenants` starts one."""

    exit_code = 2


class AnotherIsUnfinished(NothingToStop):
    """Run {run} is over: nothing to pause, resume or cancel. The unfinished run is {other}."""


@dataclass(frozen=True)
class Unfinished:
    """The run or undo that is not over, with the phases that were asked for and where it is."""

    id: int
    kind: str
    status: str
    phases: list[str]
    digest: str
    scope: str
    progress: Document | None
    seen_at: datetime | None
    started_by: str
    reason: str

    def document(self) -> Document:
        return {
            "id": self.id,
            "kind": self.kind,
            "status": self.status,
            "started_by": self.started_by,
            "reason": self.reason,
            "progress": goes(self.progress),
            "seen_at": iso(self.seen_at),
        }


class PhaseDocument(TypedDict):
    """What a phase has come to; its figures once it has begun. `tables` has the figures of each table."""

    phase: str
    status: str
    tables: dict[str, Document]
    run: NotRequired[int]
    started_at: NotRequired[str | None]
    completed_at: NotRequired[str | None]
    seconds: NotRequired[float | None]
    rows_seen: NotRequired[int]
    rows_changed: NotRequired[int]
    findings: NotRequired[int]
    wal_bytes: NotRequired[int]
    longest_lock: NotRequired[float]
    error: NotRequired[str | None]


class RunDocument(TypedDict):
    """A run or an undo. `at_work`: a process carries it out just now; one that is `running` and is not waits for a
    worker. `progress` says where it is as long as it is not over."""

    id: int
    kind: str
    status: str
    started_by: str
    reason: str
    started_at: str
    finished_at: str | None
    scope: str
    in_background: bool
    stop_requested: str
    progress: Document | None
    seen_at: str | None
    error: Document | None
    at_work: bool


class ListedRun(RunDocument):
    """As lists have it: `phases` are the keys of those that were asked for."""

    phases: list[str]


class OneRun(RunDocument):
    """With what each of its phases has come to, how many processes carry it out just now, and at which step (`name`,
    `since`) it is."""

    phases: list[PhaseDocument]
    workers: int
    step: Document | None


# --- which runs there are ---


def unfinished(session: Session) -> Unfinished | None:
    """The run that is not over; there is at most one."""
    found = ask(session, "unfinished_run") if session.named("is_set_up")[0][0] else []
    return Unfinished(*found[0]) if found else None


def only_unfinished(session: Session, run_id: int | None = None) -> Unfinished:
    """The run that is not over. Raises NothingToStop where there is none, or another than `run_id`, and UnknownRun."""
    found = unfinished(session)
    if found and run_id in (None, found.id):
        return found
    if run_id is not None and not (session.named("is_set_up")[0][0] and session.named("status_of_run", {"id": run_id})):
        raise UnknownRun(run=run_id)
    raise AnotherIsUnfinished(run=run_id, other=found.id) if found else NothingToStop


def latest(session: Session) -> int | None:
    """The last run or undo."""
    found: int | None = ask(session, "latest_run")[0][0] if session.named("is_set_up")[0][0] else None
    return found


def runs(session: Session, limit: int) -> list[ListedRun]:
    """The last runs and undos, the newest first, without their phases' figures."""
    return list(_listed_runs(session, None, limit))


def run(session: Session, run_id: int) -> OneRun:
    """One run with its phases in its order: what each has come to, and where it is. Raises UnknownRun."""
    for found in _listed_runs(session, run_id, 1):
        helpers = len(session.named("holder_of_run_lock", ADVISORY_LOCKS["worker"]))
        workers = helpers + 1 if found["at_work"] else 0
        step = _step_at_work(session, run_id) if found["at_work"] else None
        return {**found, "phases": _phases(session, found), "workers": workers, "step": step}
    raise UnknownRun(run=run_id)


def figures(session: Session, run_ids: list[int]) -> dict[int, Document]:
    """Run → `rows_changed` and `findings`, of those that have carried out a step or restored rows."""
    found = ask(session, "figures_of_runs", {"runs": run_ids}) if session.named("is_set_up")[0][0] else []
    return {run_id: {"rows_changed": rows, "findings": findings} for run_id, rows, findings in found}


def rows_restored(session: Session, run_id: int) -> list[Document]:
    """`table`, `kind` (insert, change, delete), `rows` and `undone` of them: what a restore has written."""
    found = ask(session, "rows_restored", {"id": run_id})
    return [
        {"table": shown(table), "kind": kind, "rows": rows, "undone": undone} for table, kind, rows, undone in found
    ]


def _step_at_work(session: Session, run_id: int) -> Document | None:
    found = ask(session, "started_step_of_run", {"id": run_id})
    return {"name": found[0][0], "since": iso(found[0][1])} if found else None


def _listed_runs(session: Session, run_id: int | None, limit: int) -> Iterator[ListedRun]:
    if not session.named("is_set_up")[0][0]:
        return
    rows = ask(session, "latest_runs", {"id": run_id, "limit": limit})
    somebody_works = not session.run_lock_is_free()
    for values in rows:
        row = dict(zip(COLUMNS, values, strict=True))
        row |= {name: iso(row[name]) for name in ("started_at", "finished_at", "seen_at")}
        row["progress"] = goes(row["progress"]) if row["status"] in Run.UNFINISHED else None
        row["at_work"] = row["status"] == Run.Status.RUNNING and somebody_works
        yield ListedRun(**row)  # type: ignore[typeddict-item]  # the columns of the query, which are its keys


# --- what a run has come to ---


def _phases(session: Session, of: ListedRun) -> list[PhaseDocument]:
    if of["kind"] == Run.Kind.UNDO:  # which has no records of its own
        standing = {phase for phase, _ in session.named("phases_not_undone")}
        gone = set(of["phases"]) if of["status"] == Run.Status.COMPLETED else set(of["phases"]) - standing
        return [
            {"phase": key, "status": "rolled_back" if key in gone else "pending", "tables": {}} for key in of["phases"]
        ]
    found = ask(session, "phases_of_run", {"id": of["id"]})
    states = {state[0]: dict(zip(STATE, state, strict=True)) for state in found}
    return [phase_document(key, states.get(key)) for key in of["phases"]]


def last_phases(session: Session) -> dict[str, Document]:
    """The last record of each phase in runs of the whole."""
    return {state["phase"]: state for state in phase_states(session)} if session.named("is_set_up")[0][0] else {}


def phase_document(key: str, state: Document | None) -> PhaseDocument:
    """What a phase has come to, by its record; None where it has none."""
    if state is None:
        return {"phase": key, "status": "pending", "tables": {}}
    metrics = state["metrics"] or {}
    return {
        "phase": key,
        "status": state["status"],
        "run": state["run"],
        "started_at": iso(state["started_at"]),
        "completed_at": iso(state["completed_at"]),
        "seconds": metrics.get("seconds"),
        "rows_seen": metrics.get("rows_seen", 0),
        "rows_changed": metrics.get("rows_changed", 0),
        "findings": metrics.get("findings", 0),
        "wal_bytes": metrics.get("wal_bytes", 0),
        "longest_lock": metrics.get("longest_lock", 0),
        "tables": {shown(relation): figures for relation, figures in metrics.get("tables", {}).items()},
        "error": (state["error"] or {}).get("message"),
    }


def findings(session: Session, run_id: int, limit: int) -> Document:
    """`findings`: what the run's checks found, single things; `left_out`: how many are beyond the limit.

    Raises UnknownRun.
    """
    run(session, run_id)
    rows = ask(session, "findings_of_run", {"id": run_id, "limit": limit})
    names = ("phase", "check", "severity", "table", "key", "message", "found_at")
    listed = [_document(names, row[:-1]) for row in rows]
    return {"findings": listed, "left_out": rows[0][-1] - len(rows) if rows else 0}


def open_findings(session: Session) -> list[Document]:
    """`check`, `severity`, `table` and `count` of what the checks of phases that stand found and nobody has decided."""
    names = ("check", "severity", "table", "count")
    return [_document(names, row) for row in session.named("finding_counts")]


def canaries(session: Session) -> list[Document]:
    """Each canary (`scope`) with how its `phases` stand."""
    found: dict[str, dict[str, str]] = {}
    for scope, phase, status in session.named("canaries") if session.named("is_set_up")[0][0] else ():
        found.setdefault(scope, {})[phase] = status
    return [{"scope": scope, "phases": phases} for scope, phases in found.items()]


def legacy_writes(session: Session) -> dict[str, Document]:
    """Tables that are written to without a tenant: how many rows were `assigned` theirs on the way, and when last."""
    found = session.named("rows_written_without_tenant") if session.named("is_set_up")[0][0] else []
    return {relation: {"assigned": rows, "last_at": iso(at)} for relation, rows, at in found}


def last_validation(session: Session) -> tuple[float, str] | None:
    """When 005 was last through, in seconds since 1970, and what it was then."""
    found = ask(session, "last_validation")
    return (found[0][0], found[0][1]) if found else None


# --- what a report has beside it ---


def with_plan(session: Session, run_id: int) -> Document:
    """The run's record, of whatever kind, with the text of its `plan`; times as they are. Raises UnknownRun."""
    found = ask(session, "run_with_plan", {"id": run_id}) if session.named("is_set_up")[0][0] else []
    if not found:
        raise UnknownRun(run=run_id)
    names = ("id", "kind", "status", "scope", "phases", "started_by", "reason", "started_at", "finished_at", "error")
    return dict(zip((*names, "plan_digest", "plan"), found[0], strict=True))


def actions(session: Session, run_id: int) -> list[Document]:
    """What people did to the run: `at`, `who`, `action`, `reason`."""
    return [_document(("at", "who", "action", "reason"), row) for row in ask(session, "actions_of_run", {"id": run_id})]


def checks(session: Session, run_id: int) -> list[Document]:
    """What the run's checks came to, in the order in which they were asked."""
    names = ("phase", "check", "table", "outcome", "findings")
    return [_document(names, row) for row in ask(session, "checks_of_run", {"id": run_id})]


def comparison(session: Session, run_id: int) -> list[Document]:
    """Each table before and after: rows, fingerprints, and what others wrote; none where 005 was not asked."""
    found = ask(session, "comparison_in_run", {"id": run_id})
    return [
        {
            "table": shown(table["relation"]),
            **{name: table[name] for name in ("rows_before", "rows_now", "same_content", "foreign")},
            **dict(zip(("fingerprint_before", "fingerprint_now"), table["fingerprints"], strict=True)),
        }
        for table in (found[0][0] if found else [])
    ]


def rows_changed(session: Session, record: Document) -> list[tuple[str, str, str, int]]:
    """(table, tenant's id, kind, rows) of what the run gave a tenant or added; of an undo of what it took back."""
    return [(shown(relation), *facts) for relation, *facts in ask(session, "rows_of_run", record)]


def goes(progress: Document | None) -> Document | None:
    """How a run goes, with its rate in rows a second and the seconds that are left of its step."""
    if not (progress and progress.get("total") and progress.get("seconds")):
        return progress
    left = (progress["total"] - progress["done"]) * progress["seconds"] / max(progress["done"], 1)
    return progress | {"rate": progress["rows"] / progress["seconds"], "seconds_left": round(left, 1)}


def iso(moment: Any) -> str | None:
    """A moment as documents have it."""
    return moment.isoformat() if moment else None


def ask(session: Session, name: str, params: sql.Params | None = None, /, **parts: Composable) -> list[tuple[Any, ...]]:
    return session.execute(sql.compose(QUERIES[name], **parts), params)


def _document(names: tuple[str, ...], row: tuple[Any, ...]) -> Document:
    """A row as documents have it."""
    values = dict(zip(names, row, strict=True))
    values |= {name: iso(value) for name, value in values.items() if isinstance(value, datetime)}
    return values | {"table": shown(values["table"])} if "table" in values else values
