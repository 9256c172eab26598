"""`migrate_tenants decide`: what a person says about one row, or in a file about many; and how to take it back."""

from pathlib import Path

from rich.console import Console

from migrations_ops.management import arguments
from migrations_ops.management.confirm import confirmed
from migrations_ops.management.output.decisions import show_moves, show_next_phase
from migrations_ops.management.output.elements import waiting
from migrations_ops.management.verb import Verb
from migrations_ops.review import service as review
from vital.cli.base_command import Options
from vital.cli.exit_codes import DONE, STOPPED, USAGE, Answer
from vital.cli.parser import Parser

HOW = (
    'decide takes TABLE KEY TENANT --reason "...", or --csv FILE, whose lines have their reasons,'
    ' or TABLE KEY --withdraw --reason "...". --dry-run is for the first two. Nothing was done.'
)


def decide(options: Options, console: Console) -> Answer:
    words, file = options["words"], options["csv"]
    waits = waiting(console)
    if options["withdraw"] and len(words) == 2 and not (file or options["dry_run"]):
        return _withdraw(options, console)
    if options["withdraw"] or (len(words), bool(file)) not in ((3, False), (0, True)) or (file and options["reason"]):
        return {"error": HOW}, USAGE
    source = review.decisions_in(Path(file)) if file else review.one_decision(*words, reason=options["reason"])
    if options["yes"] and not options["dry_run"]:
        document = review.decide(source, waits)
        show_moves(console, document)
    else:
        document = review.decide(source, waits, dry_run=True)
        show_moves(console, document)
        if document["decisions"]["new"] and not options["dry_run"]:
            if not confirmed(options, "Deciding", "Write these decisions down?"):
                return {"status": "cancelled"}, STOPPED
            document = review.decide(source, waits, seen=document["token"])
    if "carried_out" not in document:
        console.print("Nothing was written.")
        return document | {"status": "dry_run" if options["dry_run"] else "nothing_to_do"}, DONE
    counts = f"{document['carried_out']:,} of {document['decisions']['new']:,} carried out"
    console.print(f"[green]Decided[/], {counts}.", highlight=False)
    if document["waits"]:
        console.print(f"[yellow]The others wait for the next run:[/] {document['waits']}", highlight=False)
    show_next_phase(console, document["next"])
    return document | {"status": "decided"}, DONE


def _withdraw(options: Options, console: Console) -> Answer:
    table, key = options["words"]
    if options["reason"] and not confirmed(options, "Withdrawing", f"Take the decision about {table} {key} back?"):
        return {"status": "cancelled"}, STOPPED
    document = review.withdraw(table, key, options["reason"], waiting(console))
    to = f"The row is {document['to']}'s now" if document["to"] else "The row has no tenant"
    now = f"{to}: {document['rule']}." if document["moved"] else "The row stays as it is."
    console.print(f"[green]Withdrawn.[/] {now}", highlight=False)
    show_next_phase(console, document["next"])
    return document | {"status": "withdrawn"}, DONE


def _arguments(parser: Parser) -> None:
    parser.add_argument("words", nargs="*", metavar="TABLE KEY TENANT", help="the row, and its new owner")
    parser.add_argument("--csv", default="", metavar="FILE", help="decisions about many rows: a file of `findings`")
    parser.add_argument("--withdraw", action="store_true", help="withdraw the decision about TABLE KEY")
    arguments.reason(parser)
    arguments.dry_run(parser, "show the result, and write nothing")


EXAMPLES = """
  ./manage.py migrate_tenants decide users ID pharma --reason "contract 17"
  ./manage.py migrate_tenants decide users ID --withdraw --reason "a mistake"
  ./manage.py migrate_tenants decide --csv users.csv --dry-run
"""
VERB = Verb("decide", "a manual decision about rows, which no rule overrules", decide, _arguments, EXAMPLES)
