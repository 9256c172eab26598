"""Which statements of applications break, as words for people."""

from typing import Any

from rich.console import Console
from rich.text import Text

from migrations_ops.management.output.elements import listed
from vital.counts import counted

STYLES = {"error": "bold red", "warning": "yellow", "note": "dim"}
WORDS = {"error": "breaks", "warning": "changes", "note": "see"}
SHOWN, LONGEST = 25, 200  # findings, and letters of a statement

Document = dict[str, Any]


def show_impact(console: Console, document: Document) -> None:
    """Each finding with its statement, what could not be tried, and what it comes to."""
    if document.get("failed"):
        console.print(Text("The run failed on the copy, and nothing could be tried: ", "bold red"), end="")
        console.print(Text(document["failed"]["error"]))
        return
    for finding in document["findings"][:SHOWN]:
        _finding(console, finding)
    if len(document["findings"]) > SHOWN:
        console.print(f"… and {len(document['findings']) - SHOWN:,} more (--json lists them)\n", highlight=False)
    if document["not_tried"]:
        console.print("Not tried:")
        listed(console, [f"{one['reason']}: {_short(one['statement'])}" for one in document["not_tried"]])
    for role in document["roles_not_tried"]:
        words = f"Not tried as {role['role']}: {role['reason']}; tried as the role that logged in."
        console.print(Text(words.replace("; tried as", ".") if role["role"] == "vital_tenant" else words, "yellow"))
    console.print(_last_line(document), highlight=False)


def _finding(console: Console, finding: Document) -> None:
    tables = ", ".join(finding["tables"])
    head = Text(f"{WORDS[finding['level']]:<8}", STYLES[finding["level"]]).append(f" {finding['kind']}", "bold")
    sent = (
        f"sent {finding['calls']:,} times by {finding['role']}"
        if finding["calls"] > 1
        else f"sent by {finding['role']}"
    )
    console.print(head.append(f"  {tables}  ({sent}; {finding['where']})", "dim"))
    console.print(Text(f"  {_short(finding['statement'])}"))
    console.print(Text(f"  As {' and as '.join(finding['roles'])}: {finding['reason']}."))
    console.print(Text(f"  {finding['change']}\n", "green"))


def show_scan(console: Console, document: Document) -> None:
    """A line for each place in the sources, and what it comes to."""
    for finding in document["findings"]:
        about = ", ".join(finding["tables"])
        line = Text(f"{WORDS[finding['level']]:<8}", STYLES[finding["level"]])
        line.append(f" {finding['file']}:{finding['line']}  {finding['kind']}  {about}".rstrip(), "default")
        console.print(line)
        if finding["level"] != "note":
            console.print(Text(f"         {finding['reason']}. {finding['change']}", "dim"))
    files, breaks = counted(document["files"], "file"), counted(document["breaks"], "thing")
    head = f"[bold red]{breaks} would break[/]" if document["breaks"] else "[green]Nothing breaks[/]"
    others = len(document["findings"]) - document["breaks"]
    more = f", {counted(others, 'thing')} to look at" if others else ""
    console.print(f"{head}{more}: {files} in {document['folder']} read.", highlight=False)


def _last_line(document: Document) -> str:
    where = f"on a copy ({document['place']})" if document.get("place") else "on this database"
    tried = f"{counted(document['statements'], 'statement')} of {document['source']} tried {where}"
    changes = len(document["findings"]) - document["breaks"]
    more = f", {counted(changes, 'thing')} to look at" if changes else ""
    breaks = counted(document["breaks"], "thing")
    head = f"[bold red]{breaks} would break[/]" if document["breaks"] else "[green]Nothing breaks[/]"
    return f"{head}{more}: {tried}, {document['fine']:,} fine."


def _short(statement: str) -> str:
    return statement if len(statement) <= LONGEST else f"{statement[:LONGEST]}…"
