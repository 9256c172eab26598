"""The verb that looks ahead: ask the one service, show it, and write it as a page."""

from pathlib import Path

from rich.console import Console

from migrations_ops import services
from migrations_ops.management import page, show_preview
from migrations_ops.management.answers import DONE, USAGE, Answer, Options
from vital import private_files


def preview(options: Options, console: Console) -> Answer:
    against = Path(options["against"]) if options["against"] else None
    document = services.preview(against, lambda why: console.print(f"waits for {why}", highlight=False, markup=False))
    if options["html"]:
        try:
            private_files.write(Path(options["html"]), page.of_preview(document))
        except OSError as error:
            return {"error": f"The page cannot be written to {options['html']}: {error.strerror}."}, USAGE
    if not options["json"]:
        show_preview.preview(console, document)
        if options["html"]:
            console.print(f"The page is in {options['html']}.", highlight=False, markup=False)
    return document, DONE
