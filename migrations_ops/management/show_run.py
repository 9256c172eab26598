"""What a run came to, in words for people: never that all is done while rows wait for a decision."""

from typing import Any

from rich.console import Console

from migrations_ops.runs.service import Result


def run_result(console: Console, outcome: Result) -> None:
    console.print()
    if outcome.status == "nothing_to_do":
        console.print(f"Nothing to do, and nothing was changed. {completed(outcome.undecided)}")
    elif outcome.status == "paused":
        console.print(
            f"Stopped for a look. Go on with: ./manage.py migrate_tenants --step-by-step ({outcome.next_phase})"
        )
    else:
        console.print(f"[green]Done.[/] Run {outcome.run}. How it stands: ./manage.py migrate_tenants status")
        if outcome.undecided:
            console.print(f"Open: {needing_decisions(outcome.undecided)}")


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
    need = "1 row needs a decision" if rows == 1 else f"{rows:,} rows need a decision"
    return f"{need}: ./manage.py migrate_tenants findings, or Findings > Review in the admin"
