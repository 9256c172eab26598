"""A tenant's place on a cluster, on a terminal: its shards, the nodes and who else is there, and what was done."""

from typing import Any

from rich.console import Console

from migrations_ops.management.output.elements import grid
from vital.counts import counted

SOME = 5  # tenants that are named


def show_placement(console: Console, document: dict[str, Any]) -> None:
    tables = grid("table", "shard", "rows", "size", "node now", "node then")
    for one in document["tables"]:
        size = f"{one['bytes'] / 1024 / 1024:,.1f} MB"
        facts = (one["table"], str(one["shard"]), f"{one['rows']:,}", size, document["from"], document["to"])
        tables.add_row(*facts)
    console.print(tables)
    sharing = f"shared with {_some(document['sharing'])}" if document["sharing"] else "which no other tenant has by now"
    console.print("Its shards are its own." if document["own_shards"] else f"Its shards: {sharing}.", highlight=False)
    for node in document["nodes"]:
        size = f"{node['bytes'] / 1024 / 1024:,.1f} MB"
        console.print(f"  {node['node']}: {size}, {_some(node['tenants'])}", markup=False, highlight=False)
    for line in _what_it_means(document):
        console.print(line, markup=False, highlight=False)


def _what_it_means(document: dict[str, Any]) -> list[str]:
    slug, done = document["slug"], document["status"] == "nothing_to_do"
    if done:
        return ["Nothing to do; nothing was changed."]
    lines = []
    if document["unfinished"]:
        lines.append("An earlier placement did not come to its end; this one goes on with it.")
    if document["from"] == document["to"] and document["own_shards"]:
        return lines
    if document["writes_wait"]:
        whose = slug if not document["sharing"] else f"{slug}, {_some(document['sharing'])}"
        lines.append(
            f"Writes to these tables of {whose} wait until it is done; all is read. ({document['why_writes_wait']})"
        )
    else:
        lines.append("Online: all is read and written meanwhile; writes to these shards wait at the end, for a moment.")
    lines.append("The shards stay apart from then on: Citus does not merge what was split.")
    return lines


def show_placed(console: Console, document: dict[str, Any]) -> None:
    for table, (before, after) in document.get("written_meanwhile", {}).items():
        console.print(
            f"[yellow]{table}[/]: written to meanwhile, {before:,} rows before, {after:,} now", highlight=False
        )
    slug, node = document["slug"], document["to"]
    done = "[green]Placed.[/]" if document["status"] == "placed" else "[green]Undone.[/]"
    console.print(
        f"{done} {counted(len(document['tables']), 'shard')} of {slug} on {node}, in {document['seconds']} s."
    )


def _some(slugs: list[str]) -> str:
    more = len(slugs) - SOME
    return ", ".join(slugs[:SOME]) + (f" and {more:,} more" if more > 0 else "") if slugs else "no other tenant"
