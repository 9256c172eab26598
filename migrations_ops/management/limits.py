"""The verbs `tune` and `work`: limits of a run at work, and one more worker for it."""

from rich.console import Console
from rich.table import Table

from migrations_ops.engine.events import Listeners
from migrations_ops.management.answers import DONE, USAGE, Answer, Options
from migrations_ops.management.verb import Verb
from migrations_ops.runs import service as runs
from tenants.parsing import Parser

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
        table = Table(box=None, pad_edge=False, header_style="dim")
        for title in ("limit", "value", "default", ""):
            table.add_column(title)
        for limit in document["limits"]:
            mark = "bold" if limit["value"] != limit["default"] else ""
            table.add_row(limit["name"], limit["value"], limit["default"], limit["means"], style=mark)
        console.print(table)
        for blind in document["blind"]:
            console.print(f"blind for {blind['signal']}; this would help: {blind['grant']}", highlight=False)
    return document, DONE


def work(options: Options, console: Console) -> Answer:
    run = runs.work(Listeners())
    console.print(f"Run {run} needs no more help.", highlight=False)
    return {"run": run}, DONE


def _of_tune(parser: Parser) -> None:
    parser.add_argument(
        "limits", nargs="*", metavar="NAME=VALUE", help="NAME= is the default again; none shows them all"
    )


TUNE = Verb("tune", "the limits that a run respects, also while it works", tune, _of_tune)
WORK = Verb("work", "one more worker for the run at work, from any machine", work)
