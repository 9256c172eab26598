"""`ledger forget`: a deleted person's key goes, wherever it is remembered."""

from rich.console import Console

from migrations_ops.management import arguments
from migrations_ops.management.verb import Verb
from migrations_ops.runs import service as runs
from vital.cli.base_command import Options
from vital.cli.exit_codes import DONE, Answer
from vital.cli.parser import Parser


def forget(options: Options, console: Console) -> Answer:
    done = runs.forget_key(options["table"], options["key"], options["reason"])
    console.print(f"[green]Forgotten[/] in {done['entries']:,} entries of {done['table']}.", highlight=False)
    return done, DONE


def _arguments(parser: Parser) -> None:
    parser.add_argument("table", metavar="TABLE", help="the table of the deleted row")
    parser.add_argument("key", metavar="KEY", help="its key")
    arguments.reason(parser)


VERB = Verb("forget", "a deleted person's key, wherever it is remembered", forget, _arguments)
