"""The verb that rehearses: say what it is doing, show what came of it."""

from pathlib import Path

from rich.console import Console

from migrations_ops import services
from migrations_ops.management import show_rehearsal
from migrations_ops.management.answers import DONE, FAILED, STOPPED, USAGE, Answer, Options


def rehearse(options: Options, console: Console) -> Answer:
    if options["rows"] < 1:
        return {"error": "A sample has at least one row of each table: --rows 20000"}, USAGE
    request = services.RehearsalRequest(options["rows"], options["where"], Path(options["log_dir"]))
    try:
        document = services.rehearse(request, lambda text: console.print(f"  {text}", style="dim", markup=False))
    except KeyboardInterrupt:
        return {"error": "Stopped. The copy is dropped, and nothing was changed."}, STOPPED
    if not options["json"]:
        show_rehearsal.rehearsal(console, document)
    return document, DONE if document["exact"] else FAILED
