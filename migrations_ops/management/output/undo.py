"""What an undo will do, and what came of it, in words for people."""

from pathlib import Path

from rich.console import Console
from rich.markup import escape

from migrations_ops.runs.service import Result
from vital.counts import counted
from vital.db.sql import shown

OPENS = "006_row_level_security"


def show_plan(console: Console, keys: list[str]) -> None:
    console.print("These phases will be undone, in this order:", *(f"  {key}" for key in keys), sep="\n")
    if OPENS in keys:
        console.print("[yellow]Isolation is off from then on, until 006 turns it on again.[/]")


def show_undo(console: Console, outcome: Result, archive: Path | None) -> None:
    assert outcome.undone is not None
    console.print(f"\n[green]Undo complete:[/] {counted(sum(outcome.undone.restored.values()), 'row')} restored.")
    if outcome.archived:
        console.print(f"{len(outcome.archived):,} rows that would have been lost are in {archive}.")
    for table, rows in outcome.undone.gone.items():
        name = shown(table)
        console.print(f"[yellow]{name} is gone: {rows:,} rows that it had could not be restored.[/]", highlight=False)
    for found in outcome.undone.elsewhere:
        console.print(f"[yellow]{shown(found.relation)}: {escape(found.message)}[/]", highlight=False)
    if outcome.undone.conflicts:
        console.print(f"[yellow]{len(outcome.undone.conflicts):,} rows were changed since and kept as they are:[/]")
        for table, key in outcome.undone.conflicts[:20]:
            console.print(f"  {shown(table)} {key}", highlight=False)
