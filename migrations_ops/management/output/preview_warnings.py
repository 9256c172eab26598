"""What in a preview a person should look at, a sentence each; and how long the run takes."""

from collections.abc import Iterator
from typing import Any

from vital.counts import counted

Document = dict[str, Any]


def warnings(document: Document) -> Iterator[str]:
    """The gravest first."""
    for told in (_refused, _unknown, _moves, _references, _overlaps, _new_rows):
        for name, table in document["tables"].items():
            yield from (f"{name}: {line}" for line in told(table))
    for idle in document["total"]["idle"]:
        if not idle["matches"]:
            yield f"{idle['table']}: the rule “{idle['rule']}” matches no row"


def _refused(table: Document) -> Iterator[str]:
    yield from table["refused"]


def _unknown(table: Document) -> Iterator[str]:
    if table["unassigned"]:
        what = "a FAIL that stops 006" if table["critical"] else "they need a decision"
        yield f"{counted(table['unassigned'], 'row')} without a tenant, matching no rule; {what}"


def _moves(table: Document) -> Iterator[str]:
    for move in table["moves"]:
        yield f"{counted(move['rows'], 'row')} would move from {move['from']} to {move['to']}, by “{move['rule']}”"


def _references(table: Document) -> Iterator[str]:
    for one in table["references"]:
        other = f"{one['to']} of {one['tenant_of_other']}"
        yield f"{counted(one['rows'], 'row')} of {one['tenant']} would refer by {one['column']} to {other}"


def _overlaps(table: Document) -> Iterator[str]:
    for overlap in table["overlaps"]:
        if overlap["differ"]:
            also = " and ".join(f"“{rule}”" for rule in overlap["also"])
            yield f"“{overlap['wins']}” wins {counted(overlap['rows'], 'row')} that also match {also}"


def _new_rows(table: Document) -> Iterator[str]:
    if why := table["new_rows"]:
        yield f"a new row may have no tenant, since {why}; it will be a finding (`required = true` would refuse it)"


def time(document: Document) -> str:
    """How much a run would change, and how long it takes; or how to get a forecast."""
    forecast, changes = document["forecast"], document["total"]["changes"]
    if not changes:
        return "A run would change no row"
    if forecast["seconds"] is None:
        return f"{counted(changes, 'row')} would change; {forecast['advice']}"
    held = f"as rehearsed on {forecast['held_at'][:10]}"
    return f"{counted(changes, 'row')} would change in about {forecast['seconds']:,.0f} s, {held}"
