"""`maintenance off`: the API reads and writes as before."""

from rich.console import Console

from migrations_ops.management import arguments
from migrations_ops.management.output.maintenance import show_maintenance
from migrations_ops.management.verb import Verb
from tenants import maintenance
from vital.cli.base_command import Options
from vital.cli.exit_codes import DONE, Answer


def off(options: Options, console: Console) -> Answer:
    document = maintenance.maintain(False, options["reason"])
    show_maintenance(console, document)
    return document, DONE


VERB = Verb("off", "as before", off, arguments.reason)
