"""`tenants place`: one tenant with a shard group of its own on a node of a cluster."""

from rich.console import Console

from migrations_ops.distribution import service as distribution
from migrations_ops.management import arguments
from migrations_ops.management.output.elements import progress, waiting
from migrations_ops.management.output.placing import show_placed, show_placement
from migrations_ops.management.verb import Verb
from vital.cli.base_command import Options
from vital.cli.exit_codes import DONE, Answer
from vital.cli.parser import Parser

EXAMPLES = """
  ./manage.py tenants place pharma                                        where its rows lie, and where they would
  ./manage.py tenants place pharma --node worker-2:5432 --yes --reason "ticket 7"
  ./manage.py tenants place pharma --undo --yes --reason "ticket 7"       beside its neighbours again
"""


def place(options: Options, console: Console) -> Answer:
    wanted = distribution.Wanted(options["slug"], options["node"], options["undo"], options["block_writes"])
    document = distribution.shown_placement(wanted)
    show_placement(console, document)
    if document["status"] == "nothing_to_do":
        return document, DONE
    if not options["yes"]:
        console.print("Nothing was changed. Carry it out with --yes and a --reason.")
        return document, DONE
    document = distribution.place(wanted, options["reason"], progress(console), waiting(console))
    show_placed(console, document)
    return document, DONE


def _arguments(parser: Parser) -> None:
    arguments.slug(parser)
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--node", default="", metavar="HOST:PORT", help="the node (default: the one with the least)")
    where.add_argument("--undo", action="store_true", help="back to where its hash's neighbours lie")
    parser.add_argument("--block-writes", action="store_true", help="let writes wait, and do without replication")
    arguments.reason(parser)


VERB = Verb("place", "a shard group of its own on a node; shown, and done with --yes", place, _arguments, EXAMPLES)
