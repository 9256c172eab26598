"""A run in words and lengths of bars, for its page."""

from datetime import UTC, datetime
from typing import Any

from migrations_ops.admin.mixins import SHADES
from migrations_ops.formatting import count, milliseconds, moment, seconds, size

Document = dict[str, Any]
NAMES = {"run": "Run {}", "undo": "Undo {}"}
UNITS = {"run": "pages", "undo": "rows"}  # of a step at work
WAITS_FOR_WORKER = "Open, and no process carries it out just now: it waits for a worker, or its process is gone."
WORDS = {
    "paused": "Paused. What was done is kept; it goes on where it stopped.",
    "failed": "Failed. Nothing of the failed step was kept. Mend the cause and resume, or give it up.",
    "completed": "Completed.",
    "cancelled": "Given up. What it did stays, and can be undone.",
}


def page(run_with_allowed_actions: Document) -> Document:
    """`state` says when the page is to be loaded anew; `lively` whether to look again in a second."""
    run, why_not = run_with_allowed_actions["run"], run_with_allowed_actions["why_not"]
    phases = [_phase(phase) for phase in _with_lengths(run["phases"])]
    return {
        "run": run | {"started": moment(run["started_at"]), "finished": moment(run["finished_at"])},
        "shade": SHADES[run["status"]],
        "state": f"{run['status']} {run['at_work']}",
        "sentence": _sentence(run),
        "lively": run["status"] in ("running", "paused"),
        "elapsed": seconds(_elapsed(run)),
        "done": sum(phase["over"] for phase in phases),
        "phases": phases,
        "step": _step(run["progress"], run["kind"]) if run["progress"] else None,
        "rows": count(sum(phase.get("rows_changed") or 0 for phase in run["phases"])) or "0",
        "found": count(sum(phase.get("findings") or 0 for phase in run["phases"])) or "0",
        "verbs": [{"what": what, "why_not": why_not[what]} for what in ("pause", "resume", "cancel", "undo")],
        "newest": run_with_allowed_actions["newest"],
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
    """Each with the length of its bar, in percent of the longest."""
    longest = max((phase.get("seconds") or 0 for phase in phases), default=0) or 1
    return [phase | {"length": round(100 * (phase.get("seconds") or 0) / longest)} for phase in phases]


def _phase(phase: Document) -> Document:
    words = {
        "key": phase["phase"],
        "name": phase["phase"].replace("_", " "),
        "label": phase["status"].replace("_", " "),
        "shade": SHADES[phase["status"]],
        "over": phase["status"] in ("completed", "rolled_back"),
        "time": seconds(phase.get("seconds")),
        "wal": size(phase["wal_bytes"]) if phase.get("wal_bytes") else "",
        "lock": milliseconds(phase.get("longest_lock")),
    }
    figures = {name: count(phase.get(name)) for name in ("rows_seen", "rows_changed", "findings")}
    return phase | words | figures


def _step(progress: Document, kind: str) -> Document:
    """Where the run is. A step that is no assignment of rows has neither units nor a rate."""
    total = progress.get("total")
    return {
        "name": progress.get("step", ""),
        "waits_for": progress.get("waits_for", ""),
        "percent": round(100 * progress["done"] / total) if total else None,
        "done": f"{progress.get('done', 0):,} of {total:,} {UNITS[kind]}" if total else "",
        "rows": count(progress.get("rows")) or "0",
        "rate": f"{progress['rate']:,.0f}" if progress.get("rate") else "",
        "left": seconds(progress.get("seconds_left") or None),
    }
