"""`migrate_tenants pause`: stop the run at work after its batch."""

from rich.console import Console

from migrations_ops.management import arguments
from migrations_ops.management.output.run import show_stopped
from migrations_ops.management.verb import Verb
from migrations_ops.runs import service as runs
from vital.cli.base_command import Options
from vital.cli.exit_codes import DONE, FAILED, Answer


def pause(options: Options, console: Console) -> Answer:
    run, status = runs.stop("pause", actor=runs.Actor(reason=options["reason"]))
    if not options["json"]:
        show_stopped(console, run, status)
    return {"run": run, "status": status}, DONE if status == "paused" else FAILED


VERB = Verb("pause", "from another terminal: stop the run after its batch", pause, arguments.reason)
