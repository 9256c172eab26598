"""What monitor has seen, as a table that is renewed and as lines in the end."""

from rich.console import Console
from rich.table import Table

from migrations_ops.diagnostics.service import Tally
from migrations_ops.management.output.elements import grid


def tally_table(tally: Tally) -> Table:
    look, figures = tally.last, grid("", "now", "most")
    figures.add_row("database", look.down or "there", f"{tally.away:,} of {tally.looks:,} looks away")
    figures.add_row("service", look.service or "not asked", f"{tally.not_ready:,} looks not ready")
    figures.add_row(
        "connections", f"{look.connections} of {look.of_connections}", f"{tally.most.get('connections', 0):.0f}"
    )
    figures.add_row("waiting for locks", str(look.waiting), f"{tally.most.get('waiting', 0):.0f}")
    figures.add_row("slow statements", str(look.slow), f"{tally.most.get('slowest', 0):.1f} s")
    figures.add_row(
        "rows without a tenant", f"{sum(look.unassigned.values()):,}", f"{tally.most.get('nobodys', 0):,.0f}"
    )
    figures.add_row("rows by legacy writers", f"{tally.late:,}", "")
    if look.recall is not None:
        figures.add_row("recall@10 of the worst tenant", f"{look.recall:.2f}", "when last measured")
    figures.add_row("gaps in isolation", str(len(look.gaps)), "")
    figures.add_row(
        "answers 5xx", f"{sum(tally.errors.values()):,.0f}", f"of {sum(tally.requests.values()):,.0f} requests"
    )
    figures.add_row("runs", look.run or "none is open", "")
    return figures


def show_tally(console: Console, tally: Tally) -> None:
    console.print(tally_table(tally))
    for worry in tally.worries():
        console.print(f"[yellow]look at[/] {worry}", highlight=False)
    if not tally.worries():
        console.print("[green]No problems found.[/]")
