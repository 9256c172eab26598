"""`tenants show`: one tenant."""

from rich.console import Console

from migrations_ops.management import arguments
from migrations_ops.management.output.tenants import show_tenant
from migrations_ops.management.verb import Verb
from tenants.lifecycle import service as lifecycle
from vital.cli.base_command import Options
from vital.cli.exit_codes import DONE, Answer


def show(options: Options, console: Console) -> Answer:
    document = lifecycle.tenant_named(options["slug"])
    if not options["json"]:
        show_tenant(console, document, lifecycle.settings_of(document))
    return {"tenant": document}, DONE


VERB = Verb("show", "one tenant: settings, host names, rows", show, arguments.slug)
