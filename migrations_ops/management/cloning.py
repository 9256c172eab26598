"""The verb that makes a second tenant of one."""

from rich.console import Console

from migrations_ops.management import options
from migrations_ops.management.answers import DONE, Answer, Options
from migrations_ops.management.verb import Verb
from tenants.lifecycle import service as lifecycle
from tenants.parsing import Parser


def clone(options: Options, console: Console) -> Answer:
    slug, new = options["slug"], options["new"]
    done = lifecycle.clone_tenant(
        slug,
        lifecycle.New(new, options["name"] or new, id=options["id"], domain=options["domain"]),
        options["reason"],
        lambda said: console.print(f"  {said}", highlight=False),
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
    options.slug(parser)
    parser.add_argument("new", metavar="NEW", help="the slug of the second one")
    options.new_tenant(parser)
    parser.add_argument("--without", action="append", default=[], metavar="TABLE", help="leave this table's rows out")
    options.reason(parser)
    options.dry_run(parser, "show what it comes to, and keep nothing")


CLONE = Verb("clone", "a second tenant, with a copy of every row", clone, _arguments)
