"""`migrate_tenants status`: how far it is, what was found, what comes next."""

from rich.console import Console

from migrations_ops.management.output.status import show_status
from migrations_ops.management.verb import Verb
from migrations_ops.runs import service as runs
from vital.cli.base_command import Options
from vital.cli.exit_codes import DONE, Answer


def status(options: Options, console: Console) -> Answer:
    document = runs.status()
    if not options["json"]:
        show_status(console, document)
    return document, DONE


VERB = Verb("status", "how far it is, what was found, what comes next", status)
