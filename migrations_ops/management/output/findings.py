"""Findings, for people at a terminal."""

from typing import Any

from rich.console import Console

from migrations_ops.management.output.elements import grid

KINDS = {
    "person": "needs a manual decision",
    "unmatched": "matches no rule",
    "failing": "refuses its tenant",
    "reference": "refers to another tenant's row",
    "key": "a key that is there twice",
}


def show_findings(console: Console, document: dict[str, Any], *, keys: bool) -> None:
    if not document["findings"]:
        console.print("No findings.")
        return
    groups = grid("table", "kind", "open", "decided", "gone", "", left=2)
    for group in document["findings"]:
        counts = [f"{group[name]:,}" if group[name] else "" for name in ("open", "decided", "gone")]
        stops = "stops 006" if group["blocking"] and group["open"] else ""
        groups.add_row(group["table"], KINDS[group["kind"]], *counts, stops)
    console.print(groups)
    for row in document["rows"]:
        console.print(f"  {row['state']:<8} {row['table']} {row['key']}: {row['message']}", highlight=False)
    if keys and document["left_out"]:
        console.print(f"  … and {document['left_out']:,} more: --table, --check, or --csv FILE for all that are open")
    if any(group["kind"] == "reference" and group["open"] for group in document["findings"]):
        console.print("References into another tenant, by groups: ./manage.py migrate_tenants resolve", highlight=False)
    if not keys and any(group["open"] for group in document["findings"]):
        console.print("\nWhich rows: --keys, or --csv FILE to fill in. Decide with:", highlight=False)
        console.print('  ./manage.py migrate_tenants decide TABLE KEY TENANT --reason "..."', highlight=False)
