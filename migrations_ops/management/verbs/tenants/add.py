"""`tenants add`: a tenant without rows."""

from rich.console import Console

from migrations_ops.management import arguments
from migrations_ops.management.verb import Verb
from tenants.lifecycle import service as lifecycle
from vital.cli.base_command import Options
from vital.cli.exit_codes import DONE, Answer
from vital.cli.parser import Parser


def add(options: Options, console: Console) -> Answer:
    slug = options["slug"]
    wanted = lifecycle.New(
        slug, options["name"] or slug, id=options["id"], domain=options["domain"], like=options["like"]
    )
    document = lifecycle.add_tenant(wanted, options["reason"])
    console.print(f"[green]Added[/] {slug}, {document['id']}. It has no row yet, and sees the Platform's.")
    console.print(f"What its application needs: ./manage.py tenants env {slug}", highlight=False)
    return {"tenant": document}, DONE


def _arguments(parser: Parser) -> None:
    arguments.slug(parser)
    arguments.new_tenant(parser)
    parser.add_argument("--like", default="", metavar="SLUG", help="begin with the settings of this tenant")
    arguments.reason(parser)


VERB = Verb("add", "a tenant without rows", add, _arguments)
