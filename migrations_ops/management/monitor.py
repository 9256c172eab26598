"""The face of `monitor`: a live table, or a line for each thing that happens; a report in the end."""

import re
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.table import Table

from migrations_ops.diagnostics import service as diagnostics
from migrations_ops.management.answers import DONE, FAILED, STOPPED, USAGE, Answer, Options
from vital.env import env_text

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def monitor(options: Options, console: Console) -> Answer:
    seconds, every = duration(options["for"]), duration(options["every"])
    if seconds is None or not every:
        return {"error": "--for and --every are times such as 30s, 10m, 24h."}, USAGE
    file = Path(options["report"]) if options["report"] else None
    tally, stopped = None, False
    with Live(console=console, refresh_per_second=4, transient=True) as live:
        try:
            for tally in diagnostics.watch(
                0 if options["once"] else seconds, every, options["url"], env_text("VITAL_METRICS_KEY")
            ):
                live.update(shown(tally), refresh=True)
        except KeyboardInterrupt:
            stopped = True
    if tally is None:
        return {"error": "Stopped before the first look."}, STOPPED
    if file:
        diagnostics.write_report(tally, file, partial=stopped)
        console.print(f"The report is in {file}.", highlight=False)
    console.print(shown(tally))
    for worry in tally.worries():
        console.print(f"[yellow]look at[/] {worry}", highlight=False)
    if not tally.worries():
        console.print("[green]All was calm.[/]")
    document = tally.document(partial=stopped)
    return document, STOPPED if stopped else FAILED if document["worries"] else DONE


def duration(text: str) -> float | None:
    """Seconds; None where it is no time."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd]?)", text)
    return float(found[1]) * UNITS[found[2] or "s"] if found else None


def shown(tally: diagnostics.Tally) -> Table:
    look, table = tally.last, Table(box=None, pad_edge=False, header_style="dim")
    for name in ("", "now", "most"):
        table.add_column(name, justify="right" if name else "left")
    table.add_row("database", look.down or "there", f"{tally.away:,} of {tally.looks:,} looks away")
    table.add_row("service", look.service or "not asked", f"{tally.not_ready:,} looks not ready")
    table.add_row(
        "connections", f"{look.connections} of {look.of_connections}", f"{tally.most.get('connections', 0):.0f}"
    )
    table.add_row("waiting for locks", str(look.waiting), f"{tally.most.get('waiting', 0):.0f}")
    table.add_row("slow statements", str(look.slow), f"{tally.most.get('slowest', 0):.1f} s")
    table.add_row("rows without a tenant", f"{sum(look.unassigned.values()):,}", f"{tally.most.get('nobodys', 0):,.0f}")
    table.add_row("rows by late writers", f"{tally.late:,}", "")
    table.add_row("gaps in the fence", str(len(look.gaps)), "")
    table.add_row(
        "answers 5xx", f"{sum(tally.errors.values()):,.0f}", f"of {sum(tally.requests.values()):,.0f} requests"
    )
    table.add_row("runs", look.run or "none is open", "")
    return table
