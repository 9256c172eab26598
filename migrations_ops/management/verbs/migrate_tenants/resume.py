"""`migrate_tenants resume`: go on with a run, or an undo, that was paused or has failed."""

from pathlib import Path

from rich.console import Console

from migrations_ops.management import arguments, background
from migrations_ops.management.helper_processes import helped
from migrations_ops.management.output.run import result_document, show_result
from migrations_ops.management.output.terminal import listeners
from migrations_ops.management.verb import Verb
from migrations_ops.runs import service as runs
from vital.cli.base_command import Options
from vital.cli.exit_codes import DONE, Answer
from vital.cli.parser import Parser


def resume(options: Options, console: Console) -> Answer:
    if options["background"]:
        return background.resume(options, console)
    with (
        helped(options["workers"] - 1, Path(options["log_dir"]), console) as helpers,
        listeners(options, console, helpers) as heard_by,
    ):
        result = runs.resume(heard_by, runs.Actor(reason=options["reason"]))
    if not options["json"]:
        show_result(console, result)
    return result_document(result), DONE


def _arguments(parser: Parser) -> None:
    arguments.workers(parser)
    arguments.background(parser)
    arguments.reason(parser)


VERB = Verb("resume", "continue a run that was paused, or has failed", resume, _arguments)
