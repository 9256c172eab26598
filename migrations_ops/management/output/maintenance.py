"""How maintenance is, for people at a terminal."""

from typing import Any

from rich.console import Console


def show_maintenance(console: Console, document: dict[str, Any]) -> None:
    was = "" if document.get("changed", True) else " already"
    if not document["on"]:
        console.print(f"Maintenance is [green]off[/]{was}: the API reads and writes.")
        return
    since = f"since {document['since']} by {document['by']}"
    console.print(f"Maintenance is [yellow]on[/]{was}, {since}: {document['reason']}", highlight=False)
    console.print("The API reads, and answers 503 to whoever writes. Off with: ./manage.py maintenance off")
