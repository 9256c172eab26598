"""`migrate_tenants rehearse`: say what it is doing, show what came of it."""

from pathlib import Path

from rich.console import Console

from migrations_ops.management.output.elements import progress
from migrations_ops.management.output.rehearsal import show_rehearsal
from migrations_ops.management.verb import Verb
from migrations_ops.rehearsal import service as rehearsals
from vital.cli.base_command import Options
from vital.cli.exit_codes import DONE, FAILED, STOPPED, USAGE, Answer
from vital.cli.parser import Parser


def rehearse(options: Options, console: Console) -> Answer:
    if options["rows"] < 1:
        return {"error": "A sample has at least one row of each table: --rows 20000"}, USAGE
    request = rehearsals.RehearsalRequest(options["rows"], options["where"], Path(options["log_dir"]))
    try:
        document = rehearsals.rehearse(request, progress(console))
    except KeyboardInterrupt:
        return {"error": "Stopped. The copy is dropped, and nothing was changed."}, STOPPED
    if not options["json"]:
        show_rehearsal(console, document)
    return document, DONE if document["exact"] else FAILED


def _arguments(parser: Parser) -> None:
    parser.add_argument(
        "--rows", type=int, default=20_000, metavar="N", help="about N rows of a table (default: 20000)"
    )
    parser.add_argument("--on", dest="where", default="", choices=["server", "embedded"], help="where the copy is made")


VERB = Verb("rehearse", "try run, undo and run on a sampled copy: exact? how long? how much?", rehearse, _arguments)
