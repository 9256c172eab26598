"""The verbs that give rows of one tenant to another by a rule, and back."""

from pathlib import Path

from rich.console import Console

from migrations_ops.management import options, show_decisions
from migrations_ops.management.answers import DONE, STOPPED, Answer, Options
from migrations_ops.management.asking import agrees
from migrations_ops.management.verb import Verb
from migrations_ops.review import service as review
from tenants.parsing import Parser


def move(options: Options, console: Console) -> Answer:
    file, reason = Path(options["file"]), options["reason"]

    def waiting(why: str) -> None:
        if why:
            console.print(f"waits for {why}", highlight=False)

    document = review.move_rows(file, reason, waiting, dry_run=True)
    show_decisions.moves(console, document)
    if options["dry_run"] or not document["decisions"]["new"]:
        console.print("Nothing was written.")
        return document | {"status": "dry_run" if options["dry_run"] else "nothing_to_do"}, DONE
    if not agrees(options, "Moving", "Move these rows?"):
        return {"status": "cancelled"}, STOPPED
    document = review.move_rows(file, reason, waiting, seen=document["token"])
    if "number" not in document:
        return document | {"status": "nothing_to_do"}, DONE
    console.print(f"[green]Moved[/] {document['carried_out']:,} rows.", highlight=False)
    if document["waits"]:
        console.print(f"[yellow]The others wait for the next run:[/] {document['waits']}", highlight=False)
    console.print(f"Take it back with: ./manage.py tenants move-back {document['number']}", highlight=False)
    show_decisions.next_phase(console, document["next"])
    return document | {"status": "moved"}, DONE


def move_back(options: Options, console: Console) -> Answer:
    number = options["number"]
    if options["reason"] and not agrees(options, "Moving back", f"Take move {number} back?"):
        return {"status": "cancelled"}, STOPPED
    document = review.move_back(number, options["reason"], lambda why: None)
    console.print(f"[green]Moved back[/] {document['moved']:,} of {document['withdrawn']:,} rows.", highlight=False)
    show_decisions.next_phase(console, document["next"])
    return document | {"status": "moved_back"}, DONE


def _of_move(parser: Parser) -> None:
    parser.add_argument("file", metavar="FILE", help="a [[move]] for each table")
    options.reason(parser)
    options.dry_run(parser)


def _of_move_back(parser: Parser) -> None:
    parser.add_argument("number", type=int, metavar="NUMBER", help="that the move was given")
    options.reason(parser)


MOVE = Verb("move", "rows that change hands by a rule; shown before", move, _of_move)
MOVE_BACK = Verb("move-back", "the rows of that move are where they were", move_back, _of_move_back)
