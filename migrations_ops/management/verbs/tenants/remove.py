"""`tenants remove`: a tenant whose archive holds all it has."""

from pathlib import Path
from typing import Any

from rich.console import Console

from migrations_ops.management import arguments
from migrations_ops.management.confirm import name_typed
from migrations_ops.management.output.elements import progress, waiting
from migrations_ops.management.verb import Verb
from migrations_ops.runs import service as runs
from tenants.lifecycle import service as lifecycle
from vital.cli.base_command import Options
from vital.cli.exit_codes import DONE, STOPPED, Answer
from vital.cli.parser import Parser


def remove(options: Options, console: Console) -> Answer:
    """Two things must be said of what goes: whose it is, and how much. In a script both as --confirm SLUG:ROWS."""
    slug, file = options["slug"], Path(options["file"])
    leaves = lifecycle.leaving_tenant(slug, file)
    if options["dry_run"]:
        console.print(
            f"{slug} and its {leaves['rows']:,} rows would go for good. Nothing was changed.", highlight=False
        )
        return leaves | {"status": "dry_run"}, DONE
    said = options["confirm"] == f"{leaves['slug']}:{leaves['rows']}"
    if not said and not _both_typed(options | {"yes": False}, leaves, console):
        return {
            "error": f"Not confirmed: {leaves['slug']}:{leaves['rows']} was not said. Nothing was changed."
        }, STOPPED
    with runs.indexes_for_removal(slug, waiting(console)):
        done = lifecycle.remove_tenant(slug, file, options["reason"], progress(console))
    console.print(
        f"[green]Removed.[/] {done['rows']:,} rows of {slug} are in {file} and nowhere else.", highlight=False
    )
    return done, DONE


def _both_typed(options: Options, leaves: dict[str, Any], console: Console) -> bool:
    slug, rows = leaves["slug"], str(leaves["rows"])
    console.print(f"{slug} and its {leaves['rows']:,} rows go for good; the archive is of {leaves['taken_at']}.")
    what = f"Removing a tenant (in a script: --confirm {slug}:ROWS)"
    if not name_typed(options, what, slug, "Its slug, to go on"):
        return False
    return name_typed(options, what, rows, "And how many rows")


def _arguments(parser: Parser) -> None:
    arguments.slug(parser)
    parser.add_argument("file", metavar="FILE", help="its export")
    parser.add_argument("--confirm", default="", metavar="SLUG:ROWS", help="what would be asked, said beforehand")
    arguments.reason(parser)
    arguments.dry_run(parser)


VERB = Verb("remove", "a suspended tenant for good, once the archive holds it all", remove, _arguments)
