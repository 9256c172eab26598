"""`tenants clone`: a second tenant of one."""

from rich.console import Console

from migrations_ops.management import arguments
from migrations_ops.management.output.elements import progress
from migrations_ops.management.verb import Verb
from tenants.lifecycle import service as lifecycle
from vital.cli.base_command import Options
from vital.cli.exit_codes import DONE, Answer
from vital.cli.parser import Parser


def clone(options: Options, console: Console) -> Answer:
    slug, new = options["slug"], options["new"]
    done = lifecycle.clone_tenant(
        slug,
        lifecycle.New(new, options["name"] or new, id=options["id"], domain=options["domain"]),
        options["reason"],
        progress(console),
        without=options["without"],
        dry_run=options["dry_run"],
    )
    for table, columns in done["emptied"].items():
        console.print(f"[yellow]{table}[/]: the copies have no {', '.join(columns)}.", highlight=False)
    for where, count in done["across"].items():
        told = f"{count:,} of {slug}'s {where} lead to others' rows: their copies have nothing there."
        console.print(f"[yellow]![/] {told}", highlight=False)
    what = "[yellow]Nothing was kept.[/] It would have" if done["dry_run"] else "[green]Cloned.[/] It has"
    console.print(f"{what} {done['rows']:,} rows, each as {slug} has it, with keys of their own.", highlight=False)
    return done, DONE


def _arguments(parser: Parser) -> None:
    arguments.slug(parser)
    parser.add_argument("new", metavar="NEW", help="the slug of the second one")
    arguments.new_tenant(parser)
    parser.add_argument("--without", action="append", default=[], metavar="TABLE", help="leave this table's rows out")
    arguments.reason(parser)
    arguments.dry_run(parser, "show the result, and keep nothing")


VERB = Verb("clone", "a second tenant, with a copy of every row", clone, _arguments)
