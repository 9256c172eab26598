"""What came of a backup and of a restore, for people at a terminal."""

from pathlib import Path
from typing import Any

from rich.console import Console

from migrations_ops.management.output.elements import grid

STYLES = {"PASS": "green", "WARN": "yellow", "FAIL": "bold red", "later": "dim"}


def show_backup(console: Console, document: dict[str, Any]) -> None:
    rows = sum(content["rows"] for content in document["tables"].values())
    console.print(f"[green]Backed up.[/] {rows:,} rows, {document['bytes'] / 1e6:,.1f} MB, SHA-256", highlight=False)
    console.print(f"  {document['sha256']}", highlight=False)
    console.print(f"  {document['file']}, and what it holds beside it in {Path(document['file']).name}.json")
    if document["left"]:
        names = ", ".join(document["left"])
        console.print(f"Not in it, and left to who owns them: the schemas {names}", markup=False, highlight=False)
    if "differences" in document:
        _differ(console, document["differences"], "Restored into a scratch database, it is the same.")
    elif document["refusal"]:
        console.print("[bold red]It could not be put back here:[/]", highlight=False)
        console.print(f"  {document['refusal']}", markup=False, highlight=False)
    console.print(f"Put it back with: ./manage.py restore {document['file']}", highlight=False)


def show_restore(console: Console, document: dict[str, Any]) -> None:
    console.print(f"\n[green]Restored[/] as of {document['taken_at']}.", highlight=False)
    tables = grid("table", "before", "backup", "now")
    for row in document["tables"]:
        if not row["table"].startswith("vital."):
            counts = ["" if row[name] is None else f"{row[name]:,}" for name in ("before", "backup", "now")]
            tables.add_row(row["table"], *counts)
    console.print(tables)
    _differ(console, document["differences"], "Every table has the rows, and the content, of the backup.")
    for check in document["checks"]:
        if check["outcome"] != "PASS":
            console.print(f"  [{STYLES[check['outcome']]}]{check['outcome']}[/] {check['check']}", highlight=False)
            for message in check["messages"][:5]:
                console.print(f"       {message}", style="dim", markup=False, highlight=False)


def _differ(console: Console, differences: list[str], same: str) -> None:
    console.print(f"[bold red]{len(differences)} tables differ from the backup:[/]" if differences else same)
    for difference in differences[:20]:
        console.print(f"  {difference}", markup=False, highlight=False)
