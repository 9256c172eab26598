"""The verb `explain`: why a row is where it is."""

from rich.console import Console

from migrations_ops import services
from migrations_ops.management import show_row
from migrations_ops.management.answers import DONE, USAGE, Answer, Options


def explain(options: Options, console: Console) -> Answer:
    if len(options["words"]) != 2:
        return {"error": "explain needs a table and a row's id: manage.py migrate_tenants explain agents ID"}, USAGE
    document = services.explain(*options["words"])
    if not options["json"]:
        show_row.explanation(console, document)
    return document, DONE
