"""`migrate_tenants explain`: why a row is where it is."""

from rich.console import Console

from migrations_ops.management.output.explanation import show_explanation
from migrations_ops.management.verb import Verb
from migrations_ops.review import service as review
from vital.cli.base_command import Options
from vital.cli.exit_codes import DONE, Answer
from vital.cli.parser import Parser


def explain(options: Options, console: Console) -> Answer:
    document = review.explain(options["table"], options["key"])
    if not options["json"]:
        show_explanation(console, document)
    return document, DONE


def _arguments(parser: Parser) -> None:
    parser.add_argument("table", metavar="TABLE", help="agents, or public.agents")
    parser.add_argument("key", metavar="ID", help="the row's primary key")


EXAMPLES = """
  ./manage.py migrate_tenants explain agents ID
"""
VERB = Verb("explain", "why a row is where it is", explain, _arguments, EXAMPLES)
