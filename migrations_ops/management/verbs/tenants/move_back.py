"""`tenants move-back`: the rows of a move are where they were."""

from rich.console import Console

from migrations_ops.management import arguments
from migrations_ops.management.confirm import confirmed
from migrations_ops.management.output.decisions import show_next_phase
from migrations_ops.management.verb import Verb
from migrations_ops.review import service as review
from vital.cli.base_command import Options
from vital.cli.exit_codes import DONE, STOPPED, Answer
from vital.cli.parser import Parser


def move_back(options: Options, console: Console) -> Answer:
    number = options["number"]
    if options["reason"] and not confirmed(options, "Moving back", f"Take move {number} back?"):
        return {"status": "cancelled"}, STOPPED
    document = review.move_back(number, options["reason"], lambda why: None)
    console.print(f"[green]Moved back[/] {document['moved']:,} of {document['withdrawn']:,} rows.", highlight=False)
    show_next_phase(console, document["next"])
    return document | {"status": "moved_back"}, DONE


def _arguments(parser: Parser) -> None:
    parser.add_argument("number", type=int, metavar="NUMBER", help="that the move was given")
    arguments.reason(parser)


VERB = Verb("move-back", "the rows of that move are where they were", move_back, _arguments)
