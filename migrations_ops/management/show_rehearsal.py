"""What a rehearsal foretells, and what came of it, as words for people."""

from typing import Any

from rich.console import Console
from rich.table import Table

from migrations_ops.formatting import size
from vital.db.sql import shown

Document = dict[str, Any]
SHOWN = 20


def rehearsal(console: Console, document: Document) -> None:
    console.print()
    sample, failed = document["sample"], document["failed"]
    console.print(f"Rehearsed with {sample['rows']:,} of about {sample['of']:,} rows.", highlight=False)
    if failed:
        console.print(f"[bold red]The {failed['in']} failed[/] on the copy, and would here: ", end="")
        console.print(failed["error"], markup=False, highlight=False)
        _list(console, failed["findings"])
        console.print(f"  The logs are in {document['logs']}.", markup=False, highlight=False)
    if document["differences"]:
        console.print("[bold red]Not exact[/]: the undo or the second run has not come to the same.")
        _list(console, document["differences"])
    if document["exact"]:
        console.print("[green]Exact[/]: the undo left the copy as it was, and the second run was as the first.")
    if document["forecast"]:
        _forecast(console, document["forecast"])


def _list(console: Console, problems: list[dict[str, str]]) -> None:
    for problem in problems[:SHOWN]:
        about = " ".join(filter(None, (shown(problem["table"]), problem.get("key", ""))))
        console.print(f"  {about}: {problem['message']}", markup=False, highlight=False)
    if len(problems) > SHOWN:
        console.print(f"  … and {len(problems) - SHOWN:,} more (--json lists them)")


def _forecast(console: Console, forecast: Document) -> None:
    total = forecast["total"]
    console.print("\nThe real run will take about, on disks as fast as memory:")
    table = _table("phase", "time", "WAL", "longest lock")
    for phase in [*forecast["phases"], total | {"phase": "all"}]:
        table.add_row(phase["phase"], *_words(phase))
    console.print(table)
    free = f"; {size(total['free_bytes'])} are free" if total["free_bytes"] is not None else ""
    grows, peak = size(total["disk_bytes"]), size(total["peak_bytes"])
    console.print(f"The tables will grow by {grows}, and {peak} are needed meanwhile{free}.", highlight=False)


def compared(console: Console, document: Document) -> None:
    """Forecast and fact of a run, where it was rehearsed."""
    console.print("\nAs rehearsed (foretold / was):")
    table, total = _table("phase", "time", "WAL", "longest lock"), document["total"]
    for phase in [*document["phases"], total | {"phase": "all"}]:
        pairs = zip(_words(phase["forecast"]), _words(phase["fact"]), strict=True)
        table.add_row(phase["phase"], *(f"{forecast} / {was}" for forecast, was in pairs))
    console.print(table)
    forecast, was = (size(total[when]["disk_bytes"]) for when in ("forecast", "fact"))
    console.print(f"The tables have grown by {was}; {forecast} were foretold.", highlight=False)


def _words(costs: Document) -> tuple[str, str, str]:
    return f"{costs['seconds']:,.1f} s", size(costs["wal_bytes"]), f"{costs['longest_lock'] * 1000:,.0f} ms"


def _table(*names: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in names:
        table.add_column(name, justify="left" if name == "phase" else "right", no_wrap=True)
    return table
