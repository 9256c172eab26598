"""`tenants import`: a tenant out of its archive."""

from pathlib import Path

from rich.console import Console

from migrations_ops.management import arguments
from migrations_ops.management.output.elements import progress
from migrations_ops.management.verb import Verb
from tenants.lifecycle import service as lifecycle
from vital.cli.base_command import Options
from vital.cli.exit_codes import DONE, Answer
from vital.cli.parser import Parser


def import_(options: Options, console: Console) -> Answer:
    file, dry_run = Path(options["file"]), options["dry_run"]
    done = lifecycle.import_tenant(
        file,
        options["reason"],
        progress(console),
        slug=options["new_slug"],
        dry_run=dry_run,
    )
    what = "[yellow]Nothing was kept.[/] All of it would go in:" if dry_run else "[green]Imported.[/]"
    console.print(f"{what} {done['rows']:,} rows of {done['slug']}, equal to the archive.", highlight=False)
    return done, DONE


def _arguments(parser: Parser) -> None:
    parser.add_argument("file", metavar="FILE", help="an archive of `export`")
    parser.add_argument("--slug", dest="new_slug", default="", metavar="NEW", help="another slug, without its domain")
    arguments.reason(parser)
    arguments.dry_run(parser, "show the result, and keep nothing")


VERB = Verb("import", "a tenant out of its archive; all of it or nothing", import_, _arguments)
