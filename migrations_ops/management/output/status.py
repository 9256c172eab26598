"""How the migration stands, in words for people."""

import time
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.text import Text

from migrations_ops.formatting import seconds
from migrations_ops.management.output.elements import grid
from migrations_ops.management.output.run import what_is_open
from vital.counts import counted

STATUS_STYLES = {"completed": "green", "failed": "bold red", "started": "yellow", "rolled_back": "yellow"}


def show_status(console: Console, document: dict[str, Any]) -> None:
    console.print(
        f"[bold]{document['database']}[/] as {document['user']}, PostgreSQL {document['server']}", highlight=False
    )
    console.print(f"Plan: {document['plan']['from']}\n", highlight=False, markup=False)
    phases = grid("phase", "status", "rows seen", "changed", "findings", "seconds", left=2)
    for phase in document["phases"]:
        style = STATUS_STYLES.get(phase["status"], "dim")
        figures = [phase.get(name) for name in ("rows_seen", "rows_changed", "findings", "seconds")]
        words = [f"{figure:,}" if figure else "" for figure in figures]
        phases.add_row(phase["phase"], Text(phase["status"].replace("_", " "), style), *words)
    console.print(phases)
    for phase in document["phases"]:
        if phase.get("error"):
            console.print(f"\n[red]{phase['phase']}[/]: {phase['error']}", highlight=False)
    for canary in document["canaries"]:
        done = sum(status == "completed" for status in canary["phases"].values())
        of = f"{done} of {len(canary['phases'])} phases completed"
        console.print(f"\nCanary {canary['scope']}: {of}", highlight=False)
    for role in document["unbound"]:
        told = f"\n[yellow]Isolation is not enforced for {role['role']}[/]: {role['seen']}. {escape(role['fix'])}"
        console.print(told, highlight=False)
    _run(console, document["run"])
    for index in document["dropped_indexes"]:
        told = f"\n[yellow]Dropped while rows are assigned[/]: {escape(index)}. 004 builds it again, as does an undo."
        console.print(told, highlight=False)
    _maintenance(console, document["maintenance"])
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
    _undo(console, document["undo"])
    console.print(f"\n{what_is_open(document)}", highlight=False)


def _maintenance(console: Console, upkeep: dict[str, Any]) -> None:
    if upkeep["on"]:
        told = f"by {upkeep['by']}: {upkeep['reason']}"
        console.print(f"\n[yellow]Maintenance is on[/], {told}. Off with: ./manage.py maintenance off", highlight=False)


def _undo(console: Console, undo: dict[str, Any] | None) -> None:
    """What an undo would come to, if it was counted lately: it is not counted for this."""
    if undo is None:
        return
    about = "about " if undo["estimated"] else ""
    fates = [f"{about}{counted(undo['restored'], 'row')} would get back what they had"]
    for fate, words in (("removed", "removed"), ("kept", "kept, as they were changed since"), ("gone", "are gone")):
        if undo[fate]:
            fates.append(f"{undo[fate]:,} {words}")
    if undo["refused"]:
        fates.append(f"refused for {counted(undo['refused'], 'reason')}")
    age = seconds(time.time() - undo["counted_at"])
    console.print(f"\n[bold]An undo[/]: {', '.join(fates)}", highlight=False)
    console.print(f"  counted {age} ago; anew with: ./manage.py migrate_tenants undo --dry-run", highlight=False)


def _run(console: Console, run: dict[str, Any] | None) -> None:
    """The unfinished run: where it is, how fast, how long still, and what it waits for."""
    if run is None:
        return
    progress = run["progress"] or {}
    where = f" at {progress['step']}" if "step" in progress else ""
    console.print(f"\n[bold]Run {run['id']}[/] ({run['kind']}) is {run['status']}{where}", highlight=False)
    console.print(f"  by {escape(': '.join(filter(None, (run['started_by'], run['reason']))))}", highlight=False)
    if progress.get("waits_for"):
        console.print(f"  [yellow]waits[/] for {progress['waits_for']}", highlight=False)
    if progress.get("total"):
        rate = f", {progress['rate']:,.0f} rows/s" if progress.get("rate") else ""
        left = f", {progress['seconds_left']:,.0f} s left" if progress.get("seconds_left") is not None else ""
        share = 100 * progress["done"] / progress["total"]
        console.print(f"  {share:.0f} %, {progress['rows']:,} rows{rate}{left}; {run['seen_at']}", highlight=False)


def _late(console: Console, late: list[dict[str, Any]]) -> None:
    """Rows that old code still writes without a tenant. Those that nobody has written since are findings."""
    for one in filter(lambda one: one["assigned"], late):
        written = f"{counted(one['assigned'], 'row')} written without a tenant got one, the last at {one['last_at']}"
        waiting = f"{counted(one['unassigned'], 'row')} without a tenant" if one["unassigned"] else ""
        words = "; ".join(filter(None, (written, waiting)))
        console.print(f"  {one['table']}: {words}", highlight=False)
