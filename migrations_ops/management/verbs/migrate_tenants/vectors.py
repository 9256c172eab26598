"""`migrate_tenants vectors`: what approximate indexes give tenants behind isolation, and what gives them more."""

from rich.console import Console

from migrations_ops.management.output.elements import progress, waiting
from migrations_ops.management.output.vectors import show_vectors, show_verdict
from migrations_ops.management.verb import Verb
from migrations_ops.vectors import service as vectors
from vital.cli.base_command import Options
from vital.cli.exit_codes import DONE, FAILED, USAGE, Answer
from vital.cli.parser import Parser


def measure(options: Options, console: Console) -> Answer:
    if options["undo"]:
        return _undone(options, console)
    if not 0 < options["wanted"] <= 1 or min(options["sample"], options["tenants"], options["seconds"]) < 1:
        return {"error": "--wanted is above 0 and at most 1; --sample, --tenants and --seconds are at least 1."}, USAGE
    if options["partial"] and not options["yes"]:
        return {"error": "--partial builds an index, and keeps it where it is of use: add --yes."}, USAGE
    asking = vectors.Asking(options["sample"], options["tenants"], options["seconds"])
    document = vectors.measure(
        asking, options["wanted"], progress(console), builds=options["yes"], partial=options["partial"]
    )
    if not options["json"]:
        show_vectors(console, document)
        show_verdict(console, document)
    return document, FAILED if document["below"] else DONE


def _undone(options: Options, console: Console) -> Answer:
    undone = vectors.undo(waiting(console))
    if not options["json"]:
        for name in undone:
            console.print(f"  withdrawn: {name}", markup=False, highlight=False)
        console.print("Nothing of it stands." if undone else "Nothing was built, so there is nothing to undo.")
    return {"undone": undone}, DONE


def _arguments(parser: Parser) -> None:
    add = parser.add_argument
    add("--wanted", type=float, default=0.95, metavar="R", help="the recall@10 that each tenant is to have (0.95)")
    add("--sample", type=int, default=20, metavar="N", help="questions for each tenant (default: 20)")
    add("--tenants", type=int, default=50, metavar="N", help="tenants: the largest, and a sample of others (50)")
    add("--seconds", type=float, default=10.0, metavar="S", help="what takes longer is left off (default: 10)")
    add("--partial", action="append", default=[], metavar="TENANT", help="an index of its own; may be repeated")
    add("--undo", action="store_true", help="withdraw what was built")


EXAMPLES = """
  ./manage.py migrate_tenants vectors              measure, propose, build nothing
  ./manage.py migrate_tenants vectors --yes        build what is proposed, measure again
  ./manage.py migrate_tenants vectors --undo       withdraw it
"""
VERB = Verb("vectors", "what approximate indexes give each tenant of its nearest rows", measure, _arguments, EXAMPLES)
