"""What of a tenant is otherwise than in a backup, and what a restore has done, for people."""

from typing import Any

from rich.console import Console
from rich.text import Text

from migrations_ops.management.output.elements import grid, listed
from vital.counts import counted

Document = dict[str, Any]
NAMED = 3  # keys of a line


def show_comparison(console: Console, document: Document) -> None:
    """A table by relation, and what cannot be put back."""
    taken = document["backup"]["taken_at"]
    when = f", taken {taken}" if taken else ""
    console.print(f"{document['tenant']} beside {document['backup']['file']}{when}:", highlight=False)
    figures = grid("table", "in the backup", "changed", "deleted since", "added since", "cannot be restored")
    differing = [table for table in document["tables"] if _differs(table)]
    for table in differing:
        figures.add_row(table["name"], *(f"{table[name]:,}" for name in ("in_backup", "changed", "deleted", "added")),
                        f"{sum(one['rows'] for one in table['not_restored']):,}")  # fmt: skip
    if differing:
        console.print(figures)
    same = len(document["tables"]) - len(differing)
    if same:
        console.print(f"{same:,} {'table is' if same == 1 else 'tables are'} as the backup has them.", highlight=False)
    _reasons(console, document)
    for table in document["tables"]:
        _notes(console, table, deletes=document["delete_added"])
    for name, why in document["not_compared"].items():
        console.print(Text.assemble((f"{name} was not compared", "yellow"), f": {why}"))


def _differs(table: Document) -> bool:
    return any(table[kind] for kind in ("changed", "deleted", "added", "moved", "arrived"))


def _notes(console: Console, table: Document, *, deletes: bool) -> None:
    notes = list(table["notes"])
    if table["added"] and not deletes:
        notes.append(f"{table['added']:,} added since stay (--delete-added deletes them)")
    if table["arrived"]:
        notes.append(f"{table['arrived']:,} were another tenant's, or no tenant's, in the backup, and stay")
    if table["followed"]:
        notes.append(f"{table['followed']:,} come along with rows that were asked for")
    for note in notes:
        console.print(f"  {table['name']}: {note}", markup=False, highlight=False)


def _reasons(console: Console, document: Document) -> None:
    lines = [
        f"{table['name']}: {one['rows']:,} not restored: {one['reason']} ({_keys(one['keys'], one['rows'])})"
        for table in document["tables"]
        for one in table["not_restored"]
    ]
    listed(console, lines)


def _keys(keys: list[str], rows: int) -> str:
    more = f" and {rows - NAMED:,} more" if rows > NAMED else ""
    return ", ".join(keys[:NAMED]) + more


def show_restored(console: Console, document: Document) -> None:
    """What was done, whether others are as before, and how it is undone."""
    status = document["status"]
    if status == "shown":
        rows = document["to_write"]
        what = f"{counted(rows, 'row')} would be written: --yes does it." if rows else "There is nothing to restore."
        console.print(f"Nothing was changed. {what}", highlight=False)
        return
    if status == "nothing_to_do":
        console.print("There is nothing to restore. Nothing was changed.")
        return
    done = {kind: sum(table["done"][kind] for table in document["tables"]) for kind in ("changed", "deleted", "added")}
    console.print(
        f"[green]Restored.[/] {done['changed']:,} changed back, {done['deleted']:,} inserted again, "
        f"{done['added']:,} deleted.", highlight=False,
    )  # fmt: skip
    if status == "incomplete":
        console.print("[yellow]Not all of it:[/]")
        _reasons(console, document)
        for table in document["tables"]:
            if since := table["written_since"]:
                keys = _keys(table["written_keys"], since)
                console.print(
                    f"  {table['name']}: {since:,} written by another session since ({keys})", highlight=False
                )
    _others(console, document["others"])
    console.print(f"Undo it with: ./manage.py tenants undo-restore {document['run']}", highlight=False)


def _others(console: Console, others: Document) -> None:
    if others["same"]:
        owners = counted(others["tenants"], "other owner")
        console.print(
            f"The {others['rows']:,} rows of {owners} in these tables have the same fingerprints as before.",
            highlight=False,
        )
        return
    where = ", ".join(f"{one['table']} of {one['tenant'] or 'no tenant'}" for one in others["changed"])
    console.print(
        f"[yellow]Applications wrote rows of others meanwhile:[/] {where}. The restore wrote none.", highlight=False
    )


def show_undone(console: Console, document: Document) -> None:
    rows = sum(document["rows"].values())
    console.print(
        f"[green]Undone.[/] {rows:,} rows are as they were before restore {document['run']}.", highlight=False
    )
    kept = [f"{one['table']} {one['key']}" for one in document["kept"]]
    if kept:
        console.print(f"{len(kept):,} were changed since, or are in use, and stay as they are:", highlight=False)
        listed(console, kept)
    for table, rows in document["gone"].items():
        console.print(f"  {table}: the table is gone, with {rows:,} rows", highlight=False)
