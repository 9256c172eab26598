"""References into another tenant, and what resolving them comes to, for people at a terminal."""

import shlex
from typing import Any

from rich.console import Console

from migrations_ops.management.output.elements import listed
from vital.counts import counted

NAMES = ("table", "columns", "tenant", "parent_tenant")


def show_groups(console: Console, groups: list[dict[str, Any]]) -> None:
    """Each in the words that `resolve` takes."""
    if not groups:
        console.print("No reference leads into another tenant.")
        return
    words = [" ".join(shlex.quote(one[name]) for name in NAMES) for one in groups]
    width = max(map(len, words))
    for one, text in zip(groups, words, strict=True):
        line = f"{one['references']:>8,}  {text:<{width}}  (refers to {one['parent']})"
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    console.print("\nWhat a way comes to:", highlight=False)
    console.print(
        "  ./manage.py migrate_tenants resolve TABLE COLUMNS TENANT PARENT_TENANT --by WAY --dry-run",
        markup=False, highlight=False, soft_wrap=True,
    )  # fmt: skip


def show_outcome(console: Console, document: dict[str, Any]) -> None:
    """What changes, what follows, and what forbids it."""
    some = f"{document['references']:,} of {counted(document['open'], 'reference')}"
    whose = f"from {document['table']} in {document['tenant']} to {document['parent']} in {document['parent_tenant']}"
    console.print(f"{some} {whose}, by {document['columns']}:", markup=False, highlight=False, soft_wrap=True)
    listed(console, document["says"], shown=100)
    listed(console, [f"not possible: {why}" for why in document["refused"]], shown=100)


def show_undone(console: Console, document: dict[str, Any]) -> None:
    restored, removed = (sum(document[name].values()) for name in ("restored", "removed"))
    copies = f"{removed:,} copy" if removed == 1 else f"{removed:,} copies"
    console.print(f"[green]Undone.[/] {counted(restored, 'row')} restored, {copies} removed.", highlight=False)
    if document["kept"]:
        console.print("Kept, as they were changed since or other rows refer to them:", highlight=False)
        listed(console, [f"{one['table']} {one['key']}" for one in document["kept"]])
