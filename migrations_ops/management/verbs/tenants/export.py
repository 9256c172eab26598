"""`tenants export`: everything that a tenant has, in one archive."""

from pathlib import Path

from rich.console import Console

from migrations_ops.management import arguments
from migrations_ops.management.output.elements import progress
from migrations_ops.management.verb import Verb
from tenants.lifecycle import service as lifecycle
from vital.cli.base_command import Options
from vital.cli.exit_codes import DONE, Answer
from vital.cli.parser import Parser


def export(options: Options, console: Console) -> Answer:
    slug, file = options["slug"], options["file"]
    done = lifecycle.export_tenant(slug, Path(file), progress(console))
    console.print(f"[green]Exported.[/] {done['rows']:,} rows of {slug} are in {file}.", highlight=False)
    console.print("It holds all that the tenant has: keep it as you would keep its database.")
    return done, DONE


def _arguments(parser: Parser) -> None:
    arguments.slug(parser)
    parser.add_argument("file", metavar="FILE", help="a new archive")


VERB = Verb("export", "everything it has, in one archive", export, _arguments)
