"""`migrate_tenants cancel`: abandon an unfinished run."""

from rich.console import Console

from migrations_ops.management import arguments
from migrations_ops.management.output.run import show_stopped
from migrations_ops.management.verb import Verb
from migrations_ops.runs import service as runs
from vital.cli.base_command import Options
from vital.cli.exit_codes import DONE, FAILED, Answer


def cancel(options: Options, console: Console) -> Answer:
    run, status = runs.stop("cancel", actor=runs.Actor(reason=options["reason"]))
    if not options["json"]:
        show_stopped(console, run, status)
    return {"run": run, "status": status}, DONE if status == "cancelled" else FAILED


VERB = Verb("cancel", "abandon an unfinished run; what it did stays", cancel, arguments.reason)
