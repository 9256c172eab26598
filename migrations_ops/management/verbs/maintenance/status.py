"""`maintenance status`: whether it is on."""

from rich.console import Console

from migrations_ops.management.output.maintenance import show_maintenance
from migrations_ops.management.verb import Verb
from tenants import maintenance
from vital.cli.base_command import Options
from vital.cli.exit_codes import DONE, Answer


def status(options: Options, console: Console) -> Answer:
    document = maintenance.maintained()
    show_maintenance(console, document)
    return document, DONE


VERB = Verb("status", "whether it is on, since when, by whom and why", status)
