"""What decisions come to, in words for people."""

from typing import Any

from rich.console import Console

SAID = {
    "overruled": "of them overrule an earlier decision",
    "unchanged": "are decided so already",
    "left_empty": "lines have no tenant and no reason and are left out",
}


def show_moves(console: Console, document: dict[str, Any]) -> None:
    for move in document["moves"]:
        before = move["from"] or "no tenant"
        console.print(f"  {move['rows']:>8,}  {move['table']}: {before} -> {move['to']}", highlight=False)
    counts = document["decisions"]
    for what, words in SAID.items():
        if counts[what]:
            console.print(f"  {counts[what]:,} {words}", highlight=False)


def show_next_phase(console: Console, phase: str | None) -> None:
    if phase:
        console.print(f"Next: ./manage.py migrate_tenants ({phase}), for what follows these rows.", highlight=False)
