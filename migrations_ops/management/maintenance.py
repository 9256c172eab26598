"""The verbs of `maintenance`: switch it, say how it is."""

from typing import Any

from rich.console import Console

from migrations_ops.management import options
from migrations_ops.management.answers import DONE, Answer, Options
from migrations_ops.management.verb import Verb
from tenants import maintenance


def on(options: Options, console: Console) -> Answer:
    return _shown(maintenance.maintain(True, options["reason"]), console)


def off(options: Options, console: Console) -> Answer:
    return _shown(maintenance.maintain(False, options["reason"]), console)


def status(options: Options, console: Console) -> Answer:
    return _shown(maintenance.maintained(), console)


def _shown(document: dict[str, Any], console: Console) -> Answer:
    was = "" if document.get("changed", True) else " already"
    if not document["on"]:
        console.print(f"Maintenance is [green]off[/]{was}: the API reads and writes.")
        return document, DONE
    since = f"since {document['since']} by {document['by']}"
    console.print(f"Maintenance is [yellow]on[/]{was}, {since}: {document['reason']}", highlight=False)
    console.print("The API reads, and answers 503 to whoever writes. Off with: ./manage.py maintenance off")
    return document, DONE


ON = Verb("on", "the API reads, and answers 503 to whoever writes", on, options.reason)
OFF = Verb("off", "as before", off, options.reason)
STATUS = Verb("status", "whether it is on, since when, by whom and why", status)
