"""`tenants remove-host`: one host name less."""

from rich.console import Console

from migrations_ops.management import arguments
from migrations_ops.management.verb import Verb
from tenants.lifecycle import service as lifecycle
from vital.cli.base_command import Options
from vital.cli.exit_codes import DONE, Answer


def remove_host(options: Options, console: Console) -> Answer:
    slug, host = options["slug"], options["host"]
    document = lifecycle.remove_host(slug, host, options["reason"])
    console.print(f"[green]Removed.[/] {slug} is known as {', '.join(document['hosts'])}.", highlight=False)
    return {"tenant": document}, DONE


VERB = Verb("remove-host", "take that name away", remove_host, arguments.slug_with_host)
