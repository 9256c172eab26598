"""The verbs that take a tenant out into an archive, and bring one in."""

from pathlib import Path

from rich.console import Console

from migrations_ops.management import options
from migrations_ops.management.answers import DONE, Answer, Options
from migrations_ops.management.verb import Verb
from tenants.lifecycle import service as lifecycle
from tenants.parsing import Parser


def export(options: Options, console: Console) -> Answer:
    slug, file = options["slug"], options["file"]
    done = lifecycle.export_tenant(slug, Path(file), lambda said: console.print(f"  {said}", highlight=False))
    console.print(f"[green]Exported.[/] {done['rows']:,} rows of {slug} are in {file}.", highlight=False)
    console.print("It holds all that the tenant has: keep it as you would keep its database.")
    return done, DONE


def bring_in(options: Options, console: Console) -> Answer:
    file, dry_run = Path(options["file"]), options["dry_run"]
    done = lifecycle.import_tenant(
        file,
        options["reason"],
        lambda said: console.print(f"  {said}", highlight=False),
        slug=options["new_slug"],
        dry_run=dry_run,
    )
    what = "[yellow]Nothing was kept.[/] All of it would go in:" if dry_run else "[green]Imported.[/]"
    console.print(f"{what} {done['rows']:,} rows of {done['slug']}, equal to the archive.", highlight=False)
    return done, DONE


def _of_export(parser: Parser) -> None:
    options.slug(parser)
    parser.add_argument("file", metavar="FILE", help="a new archive")


def _of_import(parser: Parser) -> None:
    parser.add_argument("file", metavar="FILE", help="an archive of `export`")
    parser.add_argument("--slug", dest="new_slug", default="", metavar="NEW", help="another slug, without its domain")
    options.reason(parser)
    options.dry_run(parser, "show what it comes to, and keep nothing")


EXPORT = Verb("export", "everything it has, in one archive", export, _of_export)
IMPORT = Verb("import", "a tenant out of its archive; all of it or nothing", bring_in, _of_import)
