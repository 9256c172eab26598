"""`maintenance on`: the API reads and does not write."""

from rich.console import Console

from migrations_ops.management import arguments
from migrations_ops.management.output.maintenance import show_maintenance
from migrations_ops.management.verb import Verb
from tenants import maintenance
from vital.cli.base_command import Options
from vital.cli.exit_codes import DONE, Answer


def on(options: Options, console: Console) -> Answer:
    document = maintenance.maintain(True, options["reason"])
    show_maintenance(console, document)
    return document, DONE


VERB = Verb("on", "the API reads, and answers 503 to whoever writes", on, arguments.reason)
