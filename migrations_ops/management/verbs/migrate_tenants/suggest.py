"""`migrate_tenants suggest`: rules for rows that none decides."""

from rich.console import Console

from migrations_ops.management.output.suggestions import show_suggestions
from migrations_ops.management.verb import Verb
from migrations_ops.rules import service as rules
from vital.cli.base_command import Options
from vital.cli.exit_codes import DONE, Answer
from vital.cli.parser import Parser


def suggest(options: Options, console: Console) -> Answer:
    document = rules.suggest(options["table"], options["rule"])
    if not options["json"]:
        show_suggestions(console, document)
    return document, DONE


def _arguments(parser: Parser) -> None:
    parser.add_argument("--table", default="", metavar="NAME", help="this table alone")
    parser.add_argument("--rule", default="", metavar="NAME", help="the rule that only takes what others leave")


VERB = Verb("suggest", "rules for rows that no rule, or only the fall-back rule, decides", suggest, _arguments)
