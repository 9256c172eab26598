"""`migrate_tenants preview`: ask the one service, show it, and write it as a page."""

from pathlib import Path

from rich.console import Console

from migrations_ops.management.output.elements import waiting
from migrations_ops.management.output.preview import show_preview
from migrations_ops.management.output.preview_page import preview_page
from migrations_ops.management.verb import Verb
from migrations_ops.preview import service as previews
from vital import private_files
from vital.cli.base_command import Options
from vital.cli.exit_codes import DONE, USAGE, Answer
from vital.cli.parser import Parser


def preview(options: Options, console: Console) -> Answer:
    against = Path(options["against"]) if options["against"] else None
    document = previews.preview(against, waiting(console))
    if options["html"]:
        try:
            private_files.write(Path(options["html"]), preview_page(document))
        except OSError as error:
            return {"error": f"The page cannot be written to {options['html']}: {error.strerror}."}, USAGE
    if not options["json"]:
        show_preview(console, document)
        if options["html"]:
            console.print(f"The page is in {options['html']}.", highlight=False, markup=False)
    return document, DONE


def _arguments(parser: Parser) -> None:
    parser.add_argument("--against", default="", metavar="FILE", help="what this other plan would change")
    parser.add_argument("--html", default="", metavar="FILE", help="write it as a page, too")


VERB = Verb("preview", "what a run would do with the rows now: table by rule by tenant", preview, _arguments)
