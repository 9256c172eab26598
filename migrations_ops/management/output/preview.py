"""A preview in words for people: who will own how much, by which rules, and what to look at before the run."""

from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.text import Text

from migrations_ops.management.output.elements import grid, listed
from migrations_ops.management.output.preview_warnings import time, warnings

Document = dict[str, Any]
WIDE = 160  # a table is shown whole; a narrow terminal wraps it
MOST = 8  # tenants that are named, those with most rows first
NAMES = 45  # letters of their names in one line


def show_preview(console: Console, document: Document) -> None:
    console.print(f"What a run would do now, by {document['plan_file']}\n", markup=False, highlight=False)
    _owners(console, document)
    for name, table in document["tables"].items():
        _rules(console, name, table)
    found = list(warnings(document))
    if found:
        console.print("\n[bold]Look at these before you run[/]")
    listed(console, found, rest="--json or --html FILE lists them")
    if "against" in document:
        _changes(console, document["against"])
    console.print(f"\nNothing was changed. {time(document)}.", highlight=False)


def _owners(console: Console, document: Document) -> None:
    every, total = list(document["total"]["tenants"]), document["total"]
    tenants = [name for number, name in enumerate(every[:MOST], 1) if len("  ".join(every[:number])) < NAMES]
    others = len(every) - len(tenants)
    rest = [f"{others:,} others"] if others else []
    owners = grid("table", "rows", *tenants, *rest, "no tenant", no_wrap=True)
    for name, one in [*document["tables"].items(), ("all", total)]:
        owned = [one["tenants"].get(tenant, 0) for tenant in tenants]
        owned += [sum(one["tenants"].values()) - sum(owned)] if others else []
        owners.add_row(name, *(f"{rows:,}" if rows else "" for rows in (one["rows"], *owned, one["unassigned"])))
    console.print(owners, width=WIDE, crop=False)


def _rules(console: Console, name: str, table: Document) -> None:
    lines = list(_lines(table))
    if lines:
        console.print(f"\n[bold]{name}[/]", highlight=False)
    for line in lines:
        console.print(Text(f"  {line}"))


def _lines(table: Document) -> Iterator[str]:
    for rule, tenants in table["matrix"].items():
        yield from _by_tenant(rule, tenants)
        for sample in table["samples"].get(rule, [])[:1]:
            values = ", ".join(f"{column} = {value or 'nothing'}" for column, value in sample["values"].items())
            yield f"{'':>10}  e.g. {sample['key']}" + (f": {values}" if values else "")
    yield from _by_tenant("stay where they are", table["stay"])
    yield from _by_tenant("new rows, added by the run", table["added"])


def _by_tenant(what: str, tenants: dict[str, int]) -> Iterator[str]:
    """A line for each of the first tenants, and one for the rest."""
    for tenant, rows in list(tenants.items())[:MOST]:
        yield f"{rows:>10,}  {what} → {tenant}"
    if others := list(tenants.values())[MOST:]:
        yield f"{sum(others):>10,}  {what} → {len(others):,} others (--json or --html FILE lists them)"


def _changes(console: Console, against: Document) -> None:
    console.print(f"\n[bold]Against {against['plan_file']}[/]: {against['rows']:,} rows would be elsewhere")
    for change in against["changes"]:
        places = f"{change['from'] or 'no tenant'} to {change['to'] or 'no tenant'}"
        rules = f"{change['rule_before'] or 'no rule'} → {change['rule_after'] or 'no rule'}"
        console.print(Text(f"{change['rows']:>12,} rows of {change['table']} from {places} ({rules})"))
    for place, words in (("only_here", "is not in that plan"), ("only_there", "is in that plan only")):
        for table in against[place]:
            console.print(Text(f"              {table} {words}"))
