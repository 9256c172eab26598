"""Rules that are proposed, for people at a terminal."""

from typing import Any

from rich.console import Console

from vital.counts import counted

Document = dict[str, Any]
WHERE = {"replace": "instead of rule {rule}", "before": "before rule {rule}", "after": "after rule {rule}"}
SHOWN = 6


def show_suggestions(console: Console, document: Document) -> None:
    for table in document["tables"]:
        if table["unmatched"] or table["fallback"]:
            _say(console, f"{table['table']}: {_loose(table)} of {table['rows']:,} rows.")
    for number, suggestion in enumerate(document["suggestions"], start=1):
        _suggestion(console, number, suggestion)
    if document["suggestions"]:
        console.print("\nNothing was changed. Paste what you accept into a copy of the plan, and name it with --plan.")
    else:
        console.print("Nothing to suggest.")


def _loose(table: Document) -> str:
    parts = [f"{table['unmatched']:,} match no rule"] if table["unmatched"] else []
    if table["fallback"]:
        rule = table["fallback_rule"]
        parts.append(f'only the fall-back rule {rule["number"]}, "{rule["name"]}", decides {table["fallback"]:,}')
    return ", ".join(parts) + (" (values from a sample)" if table["sampled"] else "")


def _suggestion(console: Console, number: int, one: Document) -> None:
    whose = one["tenant"] or "the tenant of the row referred to"
    console.print(f"\n[bold]{number}. {one['table']}[/]: {counted(one['new'], 'row')} to {whose}", highlight=False)
    _say(console, f"   {one['reason']}")
    figures = f"matches {one['rows']:,} of {one['of']:,} such rows, moves {one['moves']:,}; score {one['score']:,}"
    if one["agrees"]:
        figures += f"; {one['agrees']:,} decided rows agree"
    _say(console, f"   {figures}")
    if one["conflicts"]:
        listed = ", ".join(f"{rows:,} of {tenant}" for tenant, rows in one["conflicts"].items())
        _say(console, f"   stay where they are, though it matches: {listed}")
    for value in one["values"][:SHOWN]:
        _say(console, f"   {value['rows']:>6,}  {value['value']}: {value['because']}")
    if len(one["values"]) > SHOWN:
        _say(console, f"   … and {len(one['values']) - SHOWN} more values (--json lists them)")
    _say(console, f"   for example {', '.join(one['keys'])}")
    place = WHERE[one["place"]["do"]].format(**one["place"]) if one["place"]["rule"] else "as the first rule"
    extra = "".join(f'; in the table\'s columns: {name} = "{kind}"' for name, kind in one["columns"].items())
    _say(console, f"   {place} of {' and '.join(one['tables'])}{extra}:\n")
    _say(console, one["toml"])


def _say(console: Console, text: str) -> None:
    console.print(text, markup=False, highlight=False)
