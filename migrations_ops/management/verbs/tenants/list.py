"""`tenants list`: who there is."""

from rich.console import Console

from migrations_ops.management.output.tenants import show_tenants
from migrations_ops.management.verb import Verb
from tenants.lifecycle import service as lifecycle
from vital.cli.base_command import Options
from vital.cli.exit_codes import DONE, Answer


def list_tenants(options: Options, console: Console) -> Answer:
    found = lifecycle.all_tenants()
    if not options["json"]:
        show_tenants(console, found)
    return {"tenants": found}, DONE


VERB = Verb("list", "who there is, with the rows that each has", list_tenants)
