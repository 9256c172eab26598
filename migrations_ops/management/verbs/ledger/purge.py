"""`ledger purge`: let entries go that were undone."""

from rich.console import Console

from migrations_ops.management import arguments
from migrations_ops.management.verb import Verb
from migrations_ops.runs import service as runs
from vital.cli.base_command import Options
from vital.cli.exit_codes import DONE, Answer
from vital.cli.parser import Parser


def purge(options: Options, console: Console) -> Answer:
    done = runs.purge_ledger(options["undone_before"], options["reason"], dry_run=options["dry_run"])
    what = "would go" if options["dry_run"] else "are gone"
    console.print(f"{done['entries']:,} entries about {done['rows']:,} rows {what}: all were undone.", highlight=False)
    return done, DONE


def _arguments(parser: Parser) -> None:
    days = "undone longer ago than that (default: 90)"
    parser.add_argument("--undone-before", type=int, default=90, metavar="DAYS", help=days)
    arguments.reason(parser)
    arguments.dry_run(parser, "say how many, and keep them")


VERB = Verb("purge", "let entries go that were undone", purge, _arguments)
