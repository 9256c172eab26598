"""What a run or an undo would do, in words for people."""

from typing import Any

from rich.console import Console

from migrations_ops.management.output.elements import listed

Document = dict[str, Any]
FATES = {
    "apply": "makes {} changes of the schema:",
    "fill": "adds or fills what is missing of {}:",
    "later": "makes {} more once their rows have a tenant, else in a later run:",
}
NOTHING = "\nNothing was written."


def show_run_forecast(console: Console, document: Document) -> None:
    if not document["phases"]:
        console.print("Nothing to do: every phase is done and nothing is left to assign.")
        return
    console.print(f"What a run would do now, by {document['plan_file']}", markup=False, highlight=False)
    if document["backup"]:
        console.print(f"Before the first change: a backup in {document['backup']}", highlight=False)
    for phase in document["phases"]:
        console.print(f"\n[bold]{phase['phase']}[/]", highlight=False)
        _phase(console, phase)
    if document["refused"]:
        console.print("\n[bold red]000_pre_validation would refuse it:[/]")
    for check in document["refused"]:
        _list(console, [f"{check['check']}: {message}" for message in check["messages"] or [""]])
    console.print(NOTHING)


def _phase(console: Console, phase: Document) -> None:
    if phase["checks"]:
        console.print(f"  asks {phase['checks']} checks", highlight=False)
    if phase["remembers"]:
        console.print(f"  remembers the content of {len(phase['remembers'])} tables", highlight=False)
    for fate, words in FATES.items():
        if phase[fate]:
            console.print("  " + words.format(len(phase[fate])), highlight=False)
            _list(console, phase[fate])
    if phase["already"]:
        console.print(f"  {len(phase['already'])} changes are made already", highlight=False)
    for kind, words in (("rows", "assigned to"), ("added", "new rows for")):
        for table, tenants in phase.get(kind, {}).items():
            _list(console, [f"{table}: {rows:,} {words} {tenant}" for tenant, rows in tenants.items()])


def show_undo_forecast(console: Console, document: Document) -> None:
    if not document["phases"]:
        console.print("Nothing to undo.")
        return
    console.print(
        "An undo would undo these phases, in this order:", *(f"  {key}" for key in document["phases"]), sep="\n"
    )
    kinds = {
        "restored": "get back what they had",
        "removed": "are removed again",
        "kept": "were changed since and stay",
        "gone": "were deleted since",
    }
    for kind, words in kinds.items():
        _list(console, [f"{table}: {_about(document, table, rows)} {words}" for table, rows in document[kind].items()])
    for kind, words in (
        ("lost", "would be lost without --archive FILE"),
        ("refused", "forbid it, and must be settled first"),
    ):
        if document[kind]:
            console.print(f"[yellow]{len(document[kind]):,} {words}:[/]", highlight=False)
            _list(console, [f"{one['table']} {one['key']}: {one['message']}" for one in document[kind]])
    console.print(NOTHING)


def _about(document: Document, table: str, rows: int) -> str:
    one_in = document["sampled"].get(table)
    return f"about {rows:,} rows (one in {one_in:,} was looked at)" if one_in else f"{rows:,} rows"


def _list(console: Console, lines: list[str]) -> None:
    listed(console, lines, indent=4)
