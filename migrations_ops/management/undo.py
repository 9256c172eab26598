"""The verb that takes phases back: say which, ask, and show what came of it."""

from pathlib import Path

from rich.console import Console

from migrations_ops import services
from migrations_ops.management import background, show, show_undo
from migrations_ops.management.answers import DONE, STOPPED, Answer, Options, listener
from migrations_ops.management.asking import agrees


def undo(options: Options, console: Console) -> Answer:
    keys = services.preview_undo(options["phase"])
    if not keys:
        console.print("Nothing to undo.")
        return {"status": "nothing_to_do", "phases": []}, DONE
    if not options["json"]:
        show_undo.plan(console, keys)
    if not agrees(options, "Undo", "Undo these phases?"):
        return {"status": "cancelled", "phases": keys}, STOPPED
    if options["background"]:
        return background.undo(options, console)
    archive = Path(options["archive"]) if options["archive"] else None
    by = services.By(reason=options["reason"])
    result = services.undo_phases(options["phase"], archive, listener(options, console), by)
    if not options["json"]:
        show_undo.result(console, result, archive)
    return show.result(result), DONE
