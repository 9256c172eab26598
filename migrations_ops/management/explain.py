"""The verb `explain`: why a row is where it is."""

from rich.console import Console

from migrations_ops.management import show_row
from migrations_ops.management.answers import DONE, Answer, Options
from migrations_ops.management.verb import Verb
from migrations_ops.review import service as review
from tenants.parsing import Parser


def explain(options: Options, console: Console) -> Answer:
    document = review.explain(options["table"], options["key"])
    if not options["json"]:
        show_row.explanation(console, document)
    return document, DONE


def _arguments(parser: Parser) -> None:
    parser.add_argument("table", metavar="TABLE", help="agents, or public.agents")
    parser.add_argument("key", metavar="ID", help="the row's primary key")


EXAMPLES = """
  ./manage.py migrate_tenants explain agents ID
"""
EXPLAIN = Verb("explain", "why a row is where it is", explain, _arguments, EXAMPLES)
