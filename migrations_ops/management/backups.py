"""The faces of `backup` and `restore`: call the service, show what came of it."""

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from migrations_ops.backup import service as backups
from migrations_ops.management.answers import DONE, FAILED, STOPPED, Answer, Options
from migrations_ops.management.asking import names_it

STYLES = {"PASS": "green", "WARN": "yellow", "FAIL": "bold red", "later": "dim"}


def back_up(options: Options, console: Console) -> Answer:
    file = Path(options["file"]) if options["file"] else None
    try:
        document = backups.back_up(file, _saying(console), proven=options["verify"])
    except KeyboardInterrupt:
        return {"error": "Stopped. Nothing of the backup is kept, and the database is as it was."}, STOPPED
    rows = sum(content["rows"] for content in document["tables"].values())
    console.print(f"[green]Backed up.[/] {rows:,} rows, {document['bytes'] / 1e6:,.1f} MB, SHA-256", highlight=False)
    console.print(f"  {document['sha256']}", highlight=False)
    console.print(f"  {document['file']}, and what it holds beside it in {Path(document['file']).name}.json")
    if options["verify"]:
        _differ(console, document["differences"], "Restored into a scratch database, it is the same.")
    console.print(f"Put it back with: ./manage.py restore {document['file']}", highlight=False)
    return document, FAILED if document.get("differences") else DONE


def restore(options: Options, console: Console) -> Answer:
    file = Path(options["file"])
    database = backups.database_name()
    if not names_it(options, "Restoring", database, f"This replaces what is in {database}. Its name, to go on"):
        return {"error": "That is not its name. Nothing was changed."}, STOPPED
    order = backups.Order(replace=options["replace"], no_owner=options["no_owner"])
    try:
        document = backups.restore(file, order, _saying(console), Path(options["log_dir"]))
    except KeyboardInterrupt:
        return {"error": "Stopped. A restore is one transaction: the database is as it was."}, STOPPED
    _show(console, document)
    failed = document["differences"] or [one for one in document["checks"] if one["outcome"] == "FAIL"]
    return document, FAILED if failed else DONE


def _saying(console: Console) -> Any:
    return lambda text: console.print(f"  {text}", style="dim", markup=False, highlight=False)


def _show(console: Console, document: dict[str, Any]) -> None:
    console.print(f"\n[green]Restored[/] as of {document['taken_at']}.", highlight=False)
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("table", "before", "backup", "now"):
        table.add_column(name, justify="left" if name == "table" else "right")
    for row in document["tables"]:
        if not row["table"].startswith("vital."):
            counts = ["" if row[name] is None else f"{row[name]:,}" for name in ("before", "backup", "now")]
            table.add_row(row["table"], *counts)
    console.print(table)
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
