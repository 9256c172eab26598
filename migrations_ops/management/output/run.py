"""What a run came to, in words for people: never that all is done while rows wait for a decision."""

from typing import Any

from rich.console import Console

from migrations_ops.management.output.elements import need_a_decision
from migrations_ops.management.output.undo import show_undo
from migrations_ops.runs.service import Result
from vital.cli.exit_codes import problem_document
from vital.db.sql import shown

STOPPED = {
    "paused": "Run {run} is paused. Continue with: ./manage.py migrate_tenants resume",
    "cancelled": "Run {run} is cancelled. What it did stays; undo it with: ./manage.py migrate_tenants undo",
    "completed": "Run {run} had completed before it could be stopped.",
    "failed": "Run {run} had failed before it could be stopped: ./manage.py migrate_tenants status",
    "running": "Run {run} was asked to stop and is still in its batch: ./manage.py migrate_tenants status",
}


def result_document(outcome: Result) -> dict[str, Any]:
    """A run or an undo as a document."""
    found: dict[str, Any] = {"status": outcome.status, "run": outcome.run, "phases": outcome.phases}
    found["undecided"] = outcome.undecided
    if outcome.next_phase:
        found["next"] = outcome.next_phase
    if outcome.undone is not None:
        conflicts = [{"table": shown(table), "key": key} for table, key in outcome.undone.conflicts]
        found |= {
            "restored": {shown(table): rows for table, rows in outcome.undone.restored.items()},
            "removed": {shown(table): rows for table, rows in outcome.undone.removed.items()},
            "conflicts": conflicts,
            "gone": {shown(table): rows for table, rows in outcome.undone.gone.items()},
            "elsewhere": [problem_document(problem) for problem in outcome.undone.elsewhere],
            "archived": len(outcome.archived),
        }
    return found


def show_result(console: Console, outcome: Result) -> None:
    """What came of a run, or of an undo, that went on."""
    if outcome.undone is None:
        show_run(console, outcome)
    else:
        show_undo(console, outcome, None)


def show_stopped(console: Console, run: int, status: str) -> None:
    """What came of a pause or a cancel."""
    console.print(STOPPED[status].format(run=run))


def show_run(console: Console, outcome: Result) -> None:
    console.print()
    if outcome.status == "nothing_to_do":
        console.print(f"Nothing to do; nothing was changed. {completed(outcome.undecided)}")
    elif outcome.status == "paused":
        console.print(f"Paused before {outcome.next_phase}. Continue with: ./manage.py migrate_tenants --step-by-step")
    else:
        console.print(f"[green]Run {outcome.run} completed.[/] Details: ./manage.py migrate_tenants status")
        if outcome.undecided:
            console.print(needing_decisions(outcome.undecided))


def what_is_open(document: dict[str, Any]) -> str:
    """The next phase; where there is none, what a person has to do still, and where."""
    if document["next"]:
        return f"Next: {document['next']}"
    rows = sum(finding["count"] for finding in document["findings"] if finding["severity"] == "REVIEW")
    unassigned = sum(table["unassigned"] or 0 for table in document["late"])
    if not rows and unassigned:
        return f"All phases completed; {unassigned:,} rows have no tenant: ./manage.py migrate_tenants validate"
    return completed(rows)


def completed(undecided: int) -> str:
    """What is said when all phases are: whether that is all."""
    return f"All phases completed; {needing_decisions(undecided)}" if undecided else "All phases completed"


def needing_decisions(rows: int) -> str:
    """How many, and where one decides."""
    return f"{need_a_decision(rows)}: ./manage.py migrate_tenants findings, or Findings > Review in the admin"
