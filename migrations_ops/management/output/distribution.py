"""What a distribution would do, on a terminal: nodes, tables, foreign keys, and what stands in the way or is lost."""

from typing import Any

from rich.console import Console
from rich.text import Text

from migrations_ops.management.output.elements import grid, listed
from vital.counts import counted

NEXT = "Nothing was changed. Carry it out with: ./manage.py distribute --yes"
REFUSED = "It would be refused. Correct what FAIL says, and look again."


def show_distribution(console: Console, document: dict[str, Any]) -> None:
    nodes = ", ".join(f"{node['node']} ({counted(node['shards'], 'shard')})" for node in document["nodes"])
    console.print(f"Nodes: {nodes}\n", markup=False, highlight=False)
    table = grid("table", "placement", "why", left=3)
    for name in ("rows", "size"):
        table.add_column(name, justify="right")
    for one in document["tables"]:
        rows = f"{'about ' if one['estimated'] else ''}{one['rows']:,}" if "rows" in one else ""
        size = f"{one['bytes'] / 1024 / 1024:,.1f} MB" if "bytes" in one else ""
        table.add_row(one["table"], one["placement"], one["why"], rows, size)
    console.print(table)
    _keys(console, document["foreign_keys"])
    for one in document["problems"]:
        where = f"{one['table']}: " if one["table"] else ""
        line = Text(f"  {one['severity']:<5}", "bold red" if one["severity"] == "FAIL" else "yellow")
        console.print(line.append(f"{where}{one['message']}", "default"))


def _keys(console: Console, keys: list[dict[str, str]]) -> None:
    counts = {how: sum(one["becomes"] == how for one in keys) for how in ("as it is", "with the tenant", "not kept")}
    if keys:
        parts = [f"{count} {how}" for how, count in counts.items() if count]
        console.print(f"\n{counted(len(keys), 'foreign key')}: {', '.join(parts)}", highlight=False)
    gained = [f"{one['table']} {one['name']} to {one['to']}" for one in keys if one["becomes"] == "with the tenant"]
    listed(console, [f"with the tenant: {text}" for text in gained])


def would_be_refused(document: dict[str, Any]) -> bool:
    return any(one["severity"] == "FAIL" for one in document["problems"])
