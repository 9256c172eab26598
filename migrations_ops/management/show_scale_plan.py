"""The face of `scale_plan`: what becomes of each table, what has to be decided, and the statements."""

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from migrations_ops import services
from migrations_ops.management.answers import DONE, FAILED, USAGE, Answer, Options
from migrations_ops.units import size


def scale_plan(options: Options, console: Console) -> Answer:
    file = Path(options["output"]) if options["output"] else None
    if file and file.exists():
        return {"error": f"{file} is there already. Name a new file; nothing was written."}, USAGE
    document = services.scale_plan(options["to"], options["least"])
    if file:
        file.write_text(as_file(document), encoding="utf-8")
    if not options["json"]:
        shown(console, document)
        if file:
            console.print(f"The statements are in {file}.", highlight=False)
    return document, FAILED if document["decide"] or document["trial"]["failed"] else DONE


def shown(console: Console, document: dict[str, Any]) -> None:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("table", "becomes", "because", "rows", "size"):
        table.add_column(name, justify="right" if name in ("rows", "size") else "left")
    for one in document["tables"]:
        table.add_row(one["table"], one["kind"], one["why"], f"{one['rows']:,}", size(one["bytes"]))
    console.print(table)
    for key in document["keys"]:
        console.print(f"{key['table']} {key['key']}: {key['before']} → {key['after']}", markup=False, highlight=False)
    for sentence in document["decide"]:
        console.print("[yellow]to decide[/] ", end="")
        console.print(sentence, markup=False, highlight=False)
    for sentence in document["know"]:
        console.print("to know   ", sentence, markup=False, highlight=False)
    tried = document["trial"]
    console.print(
        f"{len(document['statements'])} statements: {tried['tried']} hold on empty copies of the tables,"
        f" {tried['not_tried']} were not tried.", highlight=False,
    )  # fmt: skip
    if tried["failed"]:
        console.print(f"[red]It does not hold[/]: {tried['failed']['why']}", highlight=False)
        console.print(tried["failed"]["statement"], markup=False, highlight=False)


def as_file(document: dict[str, Any]) -> str:
    """For psql, whole or not at all, with what has to be decided on top."""
    head = [f"-- To decide: {sentence}" for sentence in document["decide"]]
    head += [f"-- To know: {sentence}" for sentence in document["know"]]
    return "\n".join([*head, "BEGIN;", *document["statements"], "COMMIT;"]) + "\n"
