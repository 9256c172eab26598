"""How the migration stands, in words for people."""

from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from migrations_ops.management import show_run

STATUS_STYLES = {"completed": "green", "failed": "bold red", "started": "yellow", "rolled_back": "yellow"}


def status(console: Console, document: dict[str, Any]) -> None:
    console.print(
        f"[bold]{document['database']}[/] as {document['user']}, PostgreSQL {document['server']}", highlight=False
    )
    console.print(f"Plan: {document['plan']['from']}\n", highlight=False, markup=False)
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("phase", "status", "rows seen", "changed", "findings", "seconds"):
        table.add_column(name, justify="left" if name in {"phase", "status"} else "right")
    for phase in document["phases"]:
        style = STATUS_STYLES.get(phase["status"], "dim")
        figures = [phase.get(name) for name in ("rows_seen", "rows_changed", "findings", "seconds")]
        words = [f"{figure:,}" if figure else "" for figure in figures]
        table.add_row(phase["phase"], Text(phase["status"].replace("_", " "), style), *words)
    console.print(table)
    for phase in document["phases"]:
        if phase.get("error"):
            console.print(f"\n[red]{phase['phase']}[/]: {phase['error']}", highlight=False)
    for canary in document["canaries"]:
        done = sum(status == "completed" for status in canary["phases"].values())
        phases = f"{done} of {len(canary['phases'])} phases completed"
        console.print(f"\nCanary {canary['scope']}: {phases}", highlight=False)
    _run(console, document["run"])
    if document["maintenance"]["on"]:
        told = f"by {document['maintenance']['by']}: {document['maintenance']['reason']}"
        console.print(f"\n[yellow]Maintenance is on[/], {told}. Off with: ./manage.py maintenance off", highlight=False)
    _late(console, document["late"])
    if document["findings"]:
        console.print("\n[bold]Open findings[/]")
        counts: dict[tuple[str, str], int] = {}
        for finding in document["findings"]:
            kind = (finding["severity"], finding["check"])
            counts[kind] = counts.get(kind, 0) + finding["count"]
        for (severity, check), count in counts.items():
            console.print(f"  {count:>8,}  {severity:<7} {check}", highlight=False)
        console.print("  which rows, and what to do: ./manage.py migrate_tenants findings", highlight=False)
    console.print(f"\n{show_run.what_is_open(document)}", highlight=False)


def _run(console: Console, run: dict[str, Any] | None) -> None:
    """The unfinished run: where it is, how fast, how long still, and what it waits for."""
    if run is None:
        return
    progress = run["progress"] or {}
    where = f" at {progress['step']}" if "step" in progress else ""
    console.print(f"\n[bold]Run {run['id']}[/] ({run['kind']}) is {run['status']}{where}", highlight=False)
    if progress.get("waits_for"):
        console.print(f"  [yellow]waits[/] for {progress['waits_for']}", highlight=False)
    if progress.get("total"):
        rate = f", {progress['rate']:,.0f} rows/s" if progress.get("rate") else ""
        left = f", {progress['seconds_left']:,.0f} s left" if progress.get("seconds_left") is not None else ""
        share = 100 * progress["done"] / progress["total"]
        console.print(f"  {share:.0f} %, {progress['rows']:,} rows{rate}{left}; {run['seen_at']}", highlight=False)


def _late(console: Console, late: list[dict[str, Any]]) -> None:
    """Rows that old code still writes without a tenant."""
    for table in late:
        written = f"{table['assigned']:,} written without a tenant got theirs, the last at {table['last_at']}"
        waiting = f"{table['unassigned']:,} have none" if table["unassigned"] else ""
        words = "; ".join(filter(None, (written if table["assigned"] else "", waiting)))
        console.print(f"  late rows of {table['table']}: {words}", highlight=False)
