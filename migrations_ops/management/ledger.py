"""The verbs of `ledger`: its size, its retention, a deleted row's key."""

from rich.console import Console
from rich.table import Table

from migrations_ops.formatting import size as in_words
from migrations_ops.management import options
from migrations_ops.management.answers import DONE, Answer, Options
from migrations_ops.management.verb import Verb
from migrations_ops.runs import service as runs
from tenants.parsing import Parser


def size(options: Options, console: Console) -> Answer:
    found = runs.ledger_size()
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("table", "entries", "rows", "undone"):
        table.add_column(name, justify="left" if name == "table" else "right")
    for one in found["tables"]:
        table.add_row(one["table"], *(f"{one[name]:,}" for name in ("entries", "rows", "undone")))
    console.print(table)
    console.print(f"It takes {in_words(found['bytes'])}, with its indexes.", highlight=False)
    return found, DONE


def purge(options: Options, console: Console) -> Answer:
    done = runs.purge_ledger(options["undone_before"], options["reason"], dry_run=options["dry_run"])
    what = "would go" if options["dry_run"] else "are gone"
    console.print(f"{done['entries']:,} entries about {done['rows']:,} rows {what}: all were undone.", highlight=False)
    return done, DONE


def forget(options: Options, console: Console) -> Answer:
    done = runs.forget_key(options["table"], options["key"], options["reason"])
    console.print(f"[green]Forgotten[/] in {done['entries']:,} entries of {done['table']}.", highlight=False)
    return done, DONE


def _of_purge(parser: Parser) -> None:
    days = "undone longer ago than that (default: 90)"
    parser.add_argument("--undone-before", type=int, default=90, metavar="DAYS", help=days)
    options.reason(parser)
    options.dry_run(parser, "say how many, and keep them")


def _of_forget(parser: Parser) -> None:
    parser.add_argument("table", metavar="TABLE", help="the table of the deleted row")
    parser.add_argument("key", metavar="KEY", help="its key")
    options.reason(parser)


SIZE = Verb("size", "how much is remembered about each table", size)
PURGE = Verb("purge", "let entries go that were undone", purge, _of_purge)
FORGET = Verb("forget", "a deleted person's key, wherever it is remembered", forget, _of_forget)
