"""`tenants undo-restore`: the rows of a restore are as they were before it."""

from rich.console import Console

from migrations_ops.management import arguments
from migrations_ops.management.confirm import confirmed
from migrations_ops.management.output.elements import progress
from migrations_ops.management.output.tenant_restore import show_undone
from migrations_ops.management.verb import Verb
from migrations_ops.runs import service as runs
from migrations_ops.tenant_restore import service as restores
from vital.cli.base_command import Options
from vital.cli.exit_codes import DONE, STOPPED, Answer
from vital.cli.parser import Parser


def undo_restore(options: Options, console: Console) -> Answer:
    run = options["run"]
    if options["reason"] and not confirmed(options, "Undoing a restore", f"Undo restore {run}?"):
        return {"status": "cancelled"}, STOPPED
    document = restores.undo(run, runs.Actor(reason=options["reason"]), progress(console))
    show_undone(console, document)
    return document, DONE


def _arguments(parser: Parser) -> None:
    parser.add_argument("run", type=int, metavar="RUN", help="the number that the restore was given")
    arguments.reason(parser)


VERB = Verb("undo-restore", "the rows of that restore are as they were before it", undo_restore, _arguments)
