"""`tenants remove-alias`: one id less by which applications know a tenant."""

from rich.console import Console

from migrations_ops.management import arguments
from migrations_ops.management.output.tenants import show_aliases
from migrations_ops.management.verb import Verb
from tenants.lifecycle import service as lifecycle
from vital.cli.base_command import Options
from vital.cli.exit_codes import DONE, Answer


def remove_alias(options: Options, console: Console) -> Answer:
    document = lifecycle.remove_alias(options["slug"], options["alias"], options["reason"])
    show_aliases(console, "Removed.", document)
    return {"tenant": document}, DONE


VERB = Verb("remove-alias", "take that id away", remove_alias, arguments.slug_with_alias)
