"""Two runs beside each other: phase by phase, and the plans that they were opened with."""

from typing import Any

from migrations_ops import changes, watching
from migrations_ops.engine.session import Session
from migrations_ops.reporting.report import run_with_plan

FIGURES = ("status", "rows_seen", "rows_changed", "findings", "seconds", "wal_bytes", "longest_lock")

Document = dict[str, Any]


def compare(session: Session, first: int, second: int) -> Document:
    """`runs`: both; `phases`: each that one of them has, with its figures in both (None: not in this one); `plan`:
    whether it was the same, and else the difference as text. Raises UnknownRun."""
    runs = [watching.run(session, number) for number in (first, second)]
    records = [run_with_plan(session, number) for number in (first, second)]
    keys = sorted({phase["phase"] for run in runs for phase in run["phases"]})
    names = [f"the plan of run {record['id']}" for record in records]
    return {
        "runs": [
            {name: run[name] for name in ("id", "kind", "status", "scope", "started_by", "started_at")}
            | {"plan_digest": record["plan_digest"], "total": _total(run["phases"])}
            for run, record in zip(runs, records, strict=True)
        ],
        "phases": [{"phase": key, "figures": [_figures(run, key) for run in runs]} for key in keys],
        "plan": {
            "same": records[0]["plan_digest"] == records[1]["plan_digest"],
            "difference": changes.difference(records[0]["plan"], records[1]["plan"], *names),
        },
    }


def _figures(run: Document, key: str) -> Document | None:
    phase = next((phase for phase in run["phases"] if phase["phase"] == key), None)
    return {name: phase.get(name) for name in FIGURES} if phase else None


def _total(phases: list[Document]) -> Document:
    summed = {name: sum(phase.get(name) or 0 for phase in phases) for name in FIGURES[1:-1]}
    return summed | {"longest_lock": max((phase.get("longest_lock") or 0 for phase in phases), default=0)}
