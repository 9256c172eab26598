"""`ledger size`: how much is remembered about each table."""

from rich.console import Console

from migrations_ops.formatting import size as in_words
from migrations_ops.management.output.elements import grid
from migrations_ops.management.verb import Verb
from migrations_ops.runs import service as runs
from vital.cli.base_command import Options
from vital.cli.exit_codes import DONE, Answer


def size(options: Options, console: Console) -> Answer:
    found = runs.ledger_size()
    tables = grid("table", "entries", "rows", "undone")
    for one in found["tables"]:
        tables.add_row(one["table"], *(f"{one[name]:,}" for name in ("entries", "rows", "undone")))
    console.print(tables)
    console.print(f"It takes {in_words(found['bytes'])}, with its indexes.", highlight=False)
    return found, DONE


VERB = Verb("size", "how much is remembered about each table", size)
