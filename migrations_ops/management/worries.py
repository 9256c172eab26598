"""What in a preview a person should look at, a sentence each; and how long the run takes."""

from collections.abc import Iterator
from typing import Any

Document = dict[str, Any]


def worries(document: Document) -> Iterator[str]:
    for name, table in document["tables"].items():
        yield from _of_table(name, table)
    for idle in document["total"]["idle"]:
        if not idle["matches"]:
            yield f"{idle['table']}: the rule “{idle['rule']}” matches no row"


def _of_table(name: str, table: Document) -> Iterator[str]:
    if table["unassigned"]:
        what = "a FAIL that stops 006" if table["critical"] else "a person decides"
        yield f"{name}: {table['unassigned']:,} rows that no rule knows stay without a tenant; {what}"
    for move in table["moves"]:
        yield f"{name}: {move['rows']:,} rows would move from {move['from']} to {move['to']}, by “{move['rule']}”"
    for overlap in table["overlaps"]:
        also = " and ".join(f"“{rule}”" for rule in overlap["also"])
        yield f"{name}: {overlap['rows']:,} rows match “{overlap['wins']}”, which wins, and also {also}"
    for one in table["references"]:
        refers = f"rows of {one['tenant']} would refer by {one['column']} to {one['to']} of {one['tenant_of_other']}"
        yield f"{name}: {one['rows']:,} {refers}"


def time(document: Document) -> str:
    """The forecast, or how to get one."""
    forecast = document["forecast"]
    if forecast["seconds"] is None:
        return str(forecast["advice"])
    return f"the run takes about {forecast['seconds']:,.0f} s, as rehearsed on {forecast['held_at'][:10]}"
