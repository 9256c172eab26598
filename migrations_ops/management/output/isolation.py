"""What an attack run found, for people."""

from collections import Counter
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tenants.isolation.service import HELD, LEAK, NOT_TRIED

SHOWN, COLUMNS, ALL = 25, 8, "everybody else"
REPEATED, NAMED = 3, 5
ALLOW = 'Or allow it in the plan: [[reachable]] name = "{name}", reason = "…"'
NO_TURN = "no turn"
MOVED, MOVED_ON = "sequence", "{name} has moved on: a trigger drew from it, and a rollback gives no number back"
NOTE = "note"
NO_HARM = {NOT_TRIED, NO_TURN, MOVED, NOTE, "differs", "unbound"}
NOTHING_LEFT = "It leaves nothing behind."
NOTHING_BUT = "It leaves nothing behind but sequences that have moved on."
GO_ON = "Give it more time by --budget SECONDS, or --all-pairs. It leaves nothing behind."
OUTCOMES = (HELD, LEAK, NOT_TRIED)
ADVICE = (
    "Switch the service off until this is fixed. Policies and guards are put back by"
    " `./manage.py migrate_tenants`; rights and roles are named by `./manage.py prove_isolation --bypasses`."
)


def show_attacks(console: Console, document: dict[str, Any]) -> None:
    """The matrix in figures, then whatever leaked, then what was not tried."""
    matrix = document["matrix"]
    console.print(_table(matrix, "attacker", "victim"), "", _table(matrix, "what", "where"), "", sep="\n")
    leaks = [attempt for attempt in matrix if attempt["outcome"] == LEAK]
    for leak in leaks[:SHOWN]:
        words = f"{leak['what']}: {leak['attacker']} reached {leak['victim']} by {leak['verb']}. {leak['detail']}"
        _line(console, "LEAK", "bold red", words)
    if len(leaks) > SHOWN:
        console.print(f"… and {len(leaks) - SHOWN:,} more (--json lists them)", highlight=False)
    lines = [("HIDDEN", f"{lost['what']}: {lost['attacker']} {lost['detail']}") for lost in document["hidden"]]
    lines += [("OPEN", f"{relation}: isolation is incomplete") for relation in document["open"]]
    for reached in document["reachable"]:
        words = f"{reached['name']}: {reached['how']}. Close it: {reached['closing']} {ALLOW.format(**reached)}"
        lines.append(("REACHED", words))
    for differs in document["differences"][:SHOWN]:
        words = f"{differs['object']}: {differs['found']}; wanted: {differs['wanted']}. {differs['fix']}"
        lines.append(("DIFFERS" if differs["severity"] == "dangerous" else "differs", words))
    if len(document["differences"]) > SHOWN:
        lines.append(("differs", f"{len(document['differences']) - SHOWN} more things (--json lists them)"))
    lines += [("unbound", f"{role['seen']}. {role['fix']}") for role in document["unbound"]]
    lines += [("not tried", f"{left_out['what']}: {left_out['why']}") for left_out in document["not_tried"]]
    lines += [(NO_TURN, words) for words in document["not_reached"]]
    lines += [(NOTE, words) for words in document["notes"]]
    lines += [(MOVED, MOVED_ON.format(name=name)) for name in document["sequences_moved"]]
    for mark, words in lines:
        _line(console, mark, "yellow" if mark in NO_HARM else "bold red", words)
    for known in document["scripts"][:REPEATED]:
        title = f"To repeat: {known['what']}, {known['attacker']}, {known['verb']}"
        console.print("", Text(title, "bold"), Text(known["script"]), sep="\n")
    console.print(_last_line(document), highlight=False)


def _last_line(document: dict[str, Any]) -> str:
    """What it comes to."""
    left_alone = _left_alone(document)
    took = f"{document['attacks']:,} attacks in {document['seconds']:,.1f} s"
    if not document["holds"]:
        found = f"{document['leaks']:,} leaks"
        if document["reachable"]:
            found += f", {len(document['reachable'])} reached that the plan does not allow"
        if differing := sum(one["severity"] == "dangerous" for one in document["differences"]):
            found += f", {differing} dangerous differences from what the plan wants"
        return f"\n[bold red]Not isolated.[/] {took}, {found}{_untried(document)}.{left_alone} {ADVICE}"
    if document["complete"]:
        held = "[yellow]Held, but not for every role.[/]" if left_alone else "[green]Held.[/]"
        left = NOTHING_BUT if document["sequences_moved"] else NOTHING_LEFT
        return f"\n{held} {took}, no leak{_untried(document)}.{left_alone} {left}"
    return f"\n[yellow]Held as far as it was tried.[/] {took}, no leak{_untried(document)}.{left_alone} {GO_ON}"


def _left_alone(document: dict[str, Any]) -> str:
    """For whom isolation is not enforced at all."""
    roles = [role["role"] for role in document["unbound"]]
    return f" [yellow]Isolation is not enforced for {', '.join(roles)}.[/]" if roles else ""


def _untried(document: dict[str, Any]) -> str:
    """What the last line must not be silent about."""
    names = [left_out["what"] for left_out in document["not_tried"]]
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    not_tried = f"; not tried: {len(names)} ({', '.join(names[:NAMED])}{more})" if names else ""
    return not_tried + "".join(f"; {words}" for words in document["not_reached"])


def _line(console: Console, mark: str, style: str, words: str) -> None:
    console.print(Text(f"{mark:<10}", style).append(words, "default"))


def _table(attempts: list[dict[str, Any]], down: str, across: str) -> Table:
    """How many attacks were held, counted by two of their properties; many columns become one."""
    columns = sorted({attempt[across] for attempt in attempts}, key=str.casefold)
    if len(columns) > COLUMNS:
        attempts, columns = [attempt | {across: ALL} for attempt in attempts], [ALL]
    counts = Counter((attempt[down], attempt[across], attempt["outcome"]) for attempt in attempts)
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("" if down == "what" else "attacker ╲ victim", no_wrap=True)
    for name in columns:
        table.add_column(name, justify="right", overflow="fold")
    for name in dict.fromkeys(attempt[down] for attempt in attempts):
        table.add_row(name, *(_cell(*(counts[name, column, how] for how in OUTCOMES)) for column in columns))
    return table


def _cell(held: int, leaked: int, missing: int) -> Text:
    if leaked:
        return Text(f"✗ {leaked:,} of {leaked + held:,}", "bold red")
    if missing:
        return Text(f"? {missing:,} not tried", "yellow")
    return Text(f"✓ {held:,}" if held else "", "green")


def show_bypasses(console: Console, document: dict[str, Any]) -> None:
    """One table for each kind of way around isolation."""
    for title, found in document["bypasses"].items():
        console.print(f"[bold]{title.replace('_', ' ')}[/]: {len(found) or 'none'}", highlight=False)
        for entry in found:
            words = ", ".join(f"{name.replace('_', ' ')} {_words(value)}" for name, value in entry.items() if value)
            console.print(Text(f"  {words}"))
    console.print(f"\n{document['note']}", highlight=False)


def _words(value: object) -> str:
    return "" if value is True else ", ".join(value) if isinstance(value, list) else str(value)
