"""What a rehearsal foretells, and what came of it, as words for people."""

from typing import Any

from rich.console import Console

from migrations_ops.formatting import size
from migrations_ops.management.output.elements import grid, listed
from migrations_ops.management.output.impact import show_impact
from migrations_ops.management.output.vectors import show_vectors, show_verdict
from vital.db.sql import shown

Document = dict[str, Any]


def show_rehearsal(console: Console, document: Document) -> None:
    console.print()
    sample, failed = document["sample"], document["failed"]
    console.print(f"Rehearsed with {sample['rows']:,} of about {sample['of']:,} rows.", highlight=False)
    if failed:
        console.print(f"[bold red]The {failed['in']} failed[/] on the copy, and would here: ", end="")
        console.print(failed["error"], markup=False, highlight=False)
        _list(console, failed["findings"])
        console.print(f"  The logs are in {document['logs']}.", markup=False, highlight=False)
    if document["differences"]:
        console.print("[bold red]Not exact[/]: the undo or the second run had another result.")
        _list(console, document["differences"])
    if document["exact"]:
        console.print("[green]Exact[/]: the undo left the copy as it was, and the second run was as the first.")
    if document.get("impact"):
        console.print("\nWhat applications send:")
        show_impact(console, document["impact"] | {"place": document["place"]})
    if document.get("vectors"):
        _vectors(console, document["vectors"])
    if document["forecast"]:
        _forecast(console, document["forecast"])


def _vectors(console: Console, found: Document) -> None:
    console.print("\nWhat approximate indexes give tenants, of the sample:")
    if "error" in found:
        console.print(f"  it could not be measured: {found['error']}", markup=False, highlight=False)
        return
    show_vectors(console, found)
    show_verdict(console, found)


def _list(console: Console, problems: list[dict[str, str]]) -> None:
    about = [" ".join(filter(None, (shown(one["table"]), one.get("key", "")))) for one in problems]
    listed(console, [f"{what}: {one['message']}" for what, one in zip(about, problems, strict=True)])


def _forecast(console: Console, forecast: Document) -> None:
    total = forecast["total"]
    console.print("\nThe real run will take about, on disks as fast as memory:")
    costs = grid("phase", "time", "WAL", "longest lock", no_wrap=True)
    for phase in [*forecast["phases"], total | {"phase": "all"}]:
        costs.add_row(phase["phase"], *_words(phase))
    console.print(costs)
    free = f"; {size(total['free_bytes'])} are free" if total["free_bytes"] is not None else ""
    grows, peak = size(total["disk_bytes"]), size(total["peak_bytes"])
    console.print(f"The tables will grow by {grows}, and {peak} are needed meanwhile{free}.", highlight=False)


def show_comparison(console: Console, document: Document) -> None:
    """Forecast and result of a run, where it was rehearsed."""
    console.print("\nAs rehearsed (forecast / actual):")
    costs, total = grid("phase", "time", "WAL", "longest lock", no_wrap=True), document["total"]
    for phase in [*document["phases"], total | {"phase": "all"}]:
        pairs = zip(_words(phase["forecast"]), _words(phase["fact"]), strict=True)
        costs.add_row(phase["phase"], *(f"{forecast} / {was}" for forecast, was in pairs))
    console.print(costs)
    forecast, was = (size(total[when]["disk_bytes"]) for when in ("forecast", "fact"))
    console.print(f"The tables have grown by {was}; {forecast} were forecast.", highlight=False)


def _words(costs: Document) -> tuple[str, str, str]:
    return f"{costs['seconds']:,.1f} s", size(costs["wal_bytes"]), f"{costs['longest_lock'] * 1000:,.0f} ms"
