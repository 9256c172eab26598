"""The verbs of the host names under which a tenant is known."""

from rich.console import Console

from migrations_ops.management import options
from migrations_ops.management.answers import DONE, Answer, Options
from migrations_ops.management.verb import Verb
from tenants.lifecycle import service as lifecycle
from tenants.parsing import Parser


def add_host(options: Options, console: Console) -> Answer:
    slug, host = options["slug"], options["host"]
    document = lifecycle.add_host(slug, host, options["reason"])
    console.print(f"[green]Added.[/] {slug} is known as {', '.join(document['hosts'])}.", highlight=False)
    console.print(f"The service answers to {host} once VITAL_ALLOWED_HOSTS has it.", highlight=False)
    return {"tenant": document}, DONE


def remove_host(options: Options, console: Console) -> Answer:
    slug, host = options["slug"], options["host"]
    document = lifecycle.remove_host(slug, host, options["reason"])
    console.print(f"[green]Removed.[/] {slug} is known as {', '.join(document['hosts'])}.", highlight=False)
    return {"tenant": document}, DONE


def _arguments(parser: Parser) -> None:
    options.slug(parser)
    parser.add_argument("host", metavar="HOST", help="ai.pharma.example")
    options.reason(parser)


ADD_HOST = Verb("add-host", "a name of its own beside its domain", add_host, _arguments)
REMOVE_HOST = Verb("remove-host", "take that name away", remove_host, _arguments)
