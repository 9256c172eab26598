"""The verbs that give rows of one tenant to another by a rule, and back."""

from pathlib import Path

from rich.console import Console

from migrations_ops import services
from migrations_ops.management import show_decisions
from migrations_ops.management.answers import DONE, STOPPED, USAGE, Answer, Options
from migrations_ops.management.asking import agrees

MOVE = 'move takes a file with a [[move]] for each table: manage.py tenants move rows.toml --reason "..."'
BACK = 'move-back takes the number that a move was given: manage.py tenants move-back 41 --reason "..."'


def move(options: Options, console: Console) -> Answer:
    if len(options["words"]) != 1:
        return {"error": MOVE}, USAGE
    file, reason = Path(options["words"][0]), options["reason"]

    def waiting(why: str) -> None:
        if why:
            console.print(f"waits for {why}", highlight=False)

    document = services.move_rows(file, reason, waiting, dry_run=True)
    show_decisions.moves(console, document)
    if options["dry_run"] or not document["decisions"]["new"]:
        console.print("Nothing was written.")
        return document | {"status": "dry_run" if options["dry_run"] else "nothing_to_do"}, DONE
    if not agrees(options, "Moving", "Move these rows?"):
        return {"status": "cancelled"}, STOPPED
    document = services.move_rows(file, reason, waiting, seen=document["token"])
    if "number" not in document:
        return document | {"status": "nothing_to_do"}, DONE
    console.print(f"[green]Moved[/] {document['carried_out']:,} rows.", highlight=False)
    if document["waits"]:
        console.print(f"[yellow]The others wait for the next run:[/] {document['waits']}", highlight=False)
    console.print(f"Take it back with: manage.py tenants move-back {document['number']}", highlight=False)
    show_decisions.next_phase(console, document["next"])
    return document | {"status": "moved"}, DONE


def move_back(options: Options, console: Console) -> Answer:
    words = options["words"]
    if len(words) != 1 or not words[0].isdecimal():
        return {"error": BACK}, USAGE
    if options["reason"] and not agrees(options, "Moving back", f"Take move {words[0]} back?"):
        return {"status": "cancelled"}, STOPPED
    document = services.move_back(int(words[0]), options["reason"], lambda why: None)
    console.print(f"[green]Moved back[/] {document['moved']:,} of {document['withdrawn']:,} rows.", highlight=False)
    show_decisions.next_phase(console, document["next"])
    return document | {"status": "moved_back"}, DONE
