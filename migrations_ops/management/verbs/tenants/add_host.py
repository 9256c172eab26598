"""`tenants add-host`: one more host name under which a tenant is known."""

from rich.console import Console

from migrations_ops.management import arguments
from migrations_ops.management.verb import Verb
from tenants.lifecycle import service as lifecycle
from vital.cli.base_command import Options
from vital.cli.exit_codes import DONE, Answer


def add_host(options: Options, console: Console) -> Answer:
    slug, host = options["slug"], options["host"]
    document = lifecycle.add_host(slug, host, options["reason"])
    console.print(f"[green]Added.[/] {slug} is known as {', '.join(document['hosts'])}.", highlight=False)
    console.print(f"The service answers to {host} once VITAL_ALLOWED_HOSTS has it.", highlight=False)
    return {"tenant": document}, DONE


VERB = Verb("add-host", "another name beside its domain", add_host, arguments.slug_with_host)
