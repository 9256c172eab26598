"""The face of `maintenance`: switch it, say how it is."""

from rich.console import Console

from migrations_ops import services
from migrations_ops.management.answers import DONE, Answer, Options


def maintenance(options: Options, console: Console) -> Answer:
    if options["state"] == "status":
        document = services.maintained()
    else:
        document = services.maintain(options["state"] == "on", options["reason"])
    if not document["on"]:
        was = "" if document.get("changed", True) else " already"
        console.print(f"Maintenance is [green]off[/]{was}: the API reads and writes.")
        return document, DONE
    was = "" if document.get("changed", True) else " already"
    since = f"since {document['since']} by {document['by']}"
    console.print(f"Maintenance is [yellow]on[/]{was}, {since}: {document['reason']}", highlight=False)
    console.print("The API reads, and answers 503 to whoever writes. Off with: manage.py maintenance off")
    return document, DONE
