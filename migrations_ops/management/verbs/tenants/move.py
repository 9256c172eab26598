"""`tenants move`: rows that change hands by a rule."""

from pathlib import Path

from rich.console import Console

from migrations_ops.management import arguments
from migrations_ops.management.confirm import confirmed
from migrations_ops.management.output.decisions import show_moves, show_next_phase
from migrations_ops.management.output.elements import waiting
from migrations_ops.management.verb import Verb
from migrations_ops.review import service as review
from vital.cli.base_command import Options
from vital.cli.exit_codes import DONE, STOPPED, Answer
from vital.cli.parser import Parser


def move(options: Options, console: Console) -> Answer:
    file, reason = Path(options["file"]), options["reason"]
    waits = waiting(console)
    document = review.move_rows(file, reason, waits, dry_run=True)
    show_moves(console, document)
    if options["dry_run"] or not document["decisions"]["new"]:
        console.print("Nothing was written.")
        return document | {"status": "dry_run" if options["dry_run"] else "nothing_to_do"}, DONE
    if not confirmed(options, "Moving", "Move these rows?"):
        return {"status": "cancelled"}, STOPPED
    document = review.move_rows(file, reason, waits, seen=document["token"])
    if "number" not in document:
        return document | {"status": "nothing_to_do"}, DONE
    console.print(f"[green]Moved[/] {document['carried_out']:,} rows.", highlight=False)
    if document["waits"]:
        console.print(f"[yellow]The others wait for the next run:[/] {document['waits']}", highlight=False)
    console.print(f"Undo it with: ./manage.py tenants move-back {document['number']}", highlight=False)
    show_next_phase(console, document["next"])
    return document | {"status": "moved"}, DONE


def _arguments(parser: Parser) -> None:
    parser.add_argument("file", metavar="FILE", help="a [[move]] for each table")
    arguments.reason(parser)
    arguments.dry_run(parser)


VERB = Verb("move", "rows that change hands by a rule; shown before", move, _arguments)
