"""`migrate_tenants tune`: the limits of a run, also while it works."""

from rich.console import Console

from migrations_ops.management.output.elements import grid
from migrations_ops.management.verb import Verb
from migrations_ops.runs import service as runs
from vital.cli.base_command import Options
from vital.cli.exit_codes import DONE, USAGE, Answer
from vital.cli.parser import Parser

HOW = "tune takes NAME=VALUE, and NAME= for the default again: ./manage.py migrate_tenants tune replication_lag=30s"


def tune(options: Options, console: Console) -> Answer:
    changes = {}
    for word in options["limits"]:
        name, equals, value = word.partition("=")
        if not equals:
            return {"error": f"{word}: {HOW}"}, USAGE
        changes[name] = value
    document = runs.tune(changes)
    if not options["json"]:
        limits = grid("limit", "value", "default", "", left=4)
        for limit in document["limits"]:
            mark = "bold" if limit["value"] != limit["default"] else ""
            limits.add_row(limit["name"], limit["value"], limit["default"], limit["means"], style=mark)
        console.print(limits)
        for blind in document["blind"]:
            console.print(f"blind for {blind['signal']}; this would help: {blind['grant']}", highlight=False)
    return document, DONE


def _arguments(parser: Parser) -> None:
    parser.add_argument(
        "limits", nargs="*", metavar="NAME=VALUE", help="NAME= is the default again; none shows them all"
    )


VERB = Verb("tune", "the limits that a run respects, also while it works", tune, _arguments)
