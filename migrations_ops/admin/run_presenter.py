"""A run in words and lengths of bars, for its page."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from migrations_ops.admin import addresses
from migrations_ops.admin.mixins import SHADES
from migrations_ops.formatting import count, milliseconds, seconds, size
from vital.db.sql import relation_named
from vital.moments import moment

Document = dict[str, Any]
NAMES = {"run": "Run {}", "undo": "Undo {}", "restore": "Restore {}"}
UNITS = {"run": "pages", "undo": "rows", "restore": "rows"}  # of a step at work
WAITS_FOR_WORKER = "Waiting for a worker: no process carries it out. A worker takes it up by itself, or Resume does."
WORDS = {
    "paused": "Paused. What was done is kept; it goes on where it stopped.",
    "failed": "Failed. Nothing of the failed step was kept. Fix the cause and resume, or cancel it.",
    "completed": "Completed.",
    "cancelled": "Cancelled. What it did stays, and can be undone.",
}

ADVICE = {  # status → what to do, and the command that does the same as the button
    "failed": (
        (
            "What the failed step says is in its log below. Once the cause is fixed",
            "./manage.py migrate_tenants resume",
        ),
        ("To go on without it", "./manage.py migrate_tenants cancel"),
        ("To undo what the run did", "./manage.py migrate_tenants undo"),
    ),
    "paused": (("To go on", "./manage.py migrate_tenants resume"),),
}
RESTORED = {"insert": "inserted again", "change": "changed back", "delete": "deleted"}


def page(run_with_allowed_actions: Document) -> Document:
    """`state` says when the page is to be loaded anew; `lively` whether to look again in a second."""
    run, why_not = run_with_allowed_actions["run"], run_with_allowed_actions["why_not"]
    phases = [_phase(phase, run["id"]) for phase in _with_lengths(run["phases"])]
    restored = run_with_allowed_actions["restored"]
    return {
        "run": run | {"started": moment(run["started_at"]), "finished": moment(run["finished_at"])},
        "shade": SHADES[run["status"]],
        "state": f"{run['status']} {run['at_work']}",
        "sentence": _sentence(run),
        "lively": run["status"] in ("running", "paused"),
        "elapsed": seconds(_elapsed(run)),
        "done": sum(phase["over"] for phase in phases),
        "phases": phases,
        "step": _step(run),
        "problems": [_problem(one) for one in (run["error"] or {}).get("problems", [])],
        "advice": [*_advice(run, restored)],
        "restored": [_restored(one) for one in restored],
        "scope_link": addresses.to_scope(run["scope"]),
        "ledger_link": addresses.to_ledger(run_id=run["id"]),
        "findings_link": addresses.to_findings(run_id=run["id"]),
        "rows": count(sum(one.get("rows_changed") or one.get("rows") or 0 for one in [*run["phases"], *restored]))
        or "0",
        "found": count(sum(phase.get("findings") or 0 for phase in run["phases"])) or "0",
        "verbs": [{"what": what, "why_not": why_not[what]} for what in ("pause", "resume", "cancel", "undo")],
        "newest": run_with_allowed_actions["newest"],
    }


def _advice(run: Document, restored: list[Document]) -> Iterator[tuple[str, str]]:
    """What to do, and the command for it; a restore has no buttons that do the same."""
    if run["kind"] != "restore":
        yield from ADVICE.get(run["status"], ())
        return
    if run["status"] in ("paused", "failed"):
        yield "To go on, give the same command again", "./manage.py tenants restore"
    if any(one["rows"] > one["undone"] for one in restored) and not run["at_work"]:
        yield "To undo it", f'./manage.py tenants undo-restore {run["id"]} --reason "…"'


def _restored(one: Document) -> Document:
    return {
        "table": one["table"],
        "link": addresses.to_rows(relation_named(one["table"])),
        "what": RESTORED[one["kind"]],
        "rows": count(one["rows"]),
        "undone": count(one["undone"]),
    }


def _sentence(run: Document) -> str:
    if run["status"] != "running":
        return WORDS[run["status"]]
    if not run["at_work"]:
        return WAITS_FOR_WORKER
    asked = f" It was asked to {run['stop_requested']}, and does so after its batch." if run["stop_requested"] else ""
    return "At work." + asked


def _elapsed(run: Document) -> float:
    until = datetime.fromisoformat(run["finished_at"]) if run["finished_at"] else datetime.now(UTC)
    return (until - datetime.fromisoformat(run["started_at"])).total_seconds()


def _with_lengths(phases: list[Document]) -> list[Document]:
    """Each with the length of its bar, in percent of the longest: in proportion to its time."""
    longest = max((phase.get("seconds") or 0 for phase in phases), default=0) or 1
    return [phase | {"length": f"{100 * (phase.get('seconds') or 0) / longest:.2f}"} for phase in phases]


def _problem(problem: Document) -> Document:
    return problem | {"link": addresses.to_row(relation_named(problem["table"]), problem["key"])}


def _phase(phase: Document, run: int) -> Document:
    words = {
        "key": phase["phase"],
        "name": phase["phase"].replace("_", " "),
        "label": phase["status"].replace("_", " "),
        "shade": SHADES[phase["status"]],
        "over": phase["status"] in ("completed", "rolled_back"),
        "time": seconds(phase.get("seconds")),
        "wal": size(phase["wal_bytes"]) if phase.get("wal_bytes") else "",
        "lock": milliseconds(phase.get("longest_lock")),
        "ledger_link": addresses.to_ledger(run_id=run, phase=phase["phase"]),
        "findings_link": addresses.to_findings(run_id=run, phase=phase["phase"]),
    }
    figures = {name: count(phase.get(name)) for name in ("rows_seen", "rows_changed", "findings")}
    return phase | words | figures


def _step(run: Document) -> Document | None:
    """The step at work, and where it is. What was last written of an earlier step says nothing of this one; a step that
    is no assignment of rows has neither units nor a rate."""
    progress, at_work = run["progress"] or {}, run["step"]
    if at_work and progress.get("step") != at_work["name"]:
        progress = {"step": at_work["name"]}
    if not progress:
        return None
    total = progress.get("total")
    return {
        "name": progress.get("step", ""),
        "since": moment(at_work["since"]) if at_work else "",
        "waits_for": progress.get("waits_for", ""),
        "waits_since": moment(progress.get("waits_since")),
        "percent": round(100 * progress["done"] / total) if total else None,
        "done": f"{progress.get('done', 0):,} of {total:,} {UNITS[run['kind']]}" if total else "",
        "rows": count(progress.get("rows")) or "0",
        "rate": f"{progress['rate']:,.0f}" if progress.get("rate") else "",
        "left": seconds(progress.get("seconds_left") or None),
    }
