"""`tenants restore`: one tenant as a backup has it."""

from pathlib import Path

from rich.console import Console

from migrations_ops.management import arguments
from migrations_ops.management.output.elements import progress
from migrations_ops.management.output.tenant_restore import show_comparison, show_restored
from migrations_ops.management.verb import Verb
from migrations_ops.runs import service as runs
from migrations_ops.tenant_restore import service as restores
from vital.cli.base_command import Options
from vital.cli.exit_codes import DONE, FAILED, Answer
from vital.cli.parser import Parser

EXAMPLES = """
  ./manage.py tenants restore pharma --from monday.dump                          what is otherwise than on Monday
  ./manage.py tenants restore pharma --from monday.dump --yes --reason "ticket 7"
  ./manage.py tenants restore pharma --from monday.dump --table prompts --key 0b0e…
"""


def restore(options: Options, console: Console) -> Answer:
    wanted = restores.Wanted(
        tables=tuple(options["table"]),
        keys=tuple(options["key"]),
        delete_added=options["delete_added"],
        with_children=options["with_children"],
    )
    request = restores.Request(options["slug"], Path(options["from"]), wanted)
    document = restores.restore(
        request, runs.Actor(reason=options["reason"]), progress(console),
        carries_out=options["yes"] and not options["dry_run"], show=lambda found: show_comparison(console, found),
    )  # fmt: skip
    show_restored(console, document)
    return document, FAILED if document["status"] == "incomplete" else DONE


def _arguments(parser: Parser) -> None:
    arguments.slug(parser)
    parser.add_argument("--from", required=True, metavar="BACKUP", help="a file of `backup`, or of pg_dump -Fc")
    parser.add_argument("--table", action="append", default=[], metavar="TABLE", help="only this one; may be repeated")
    parser.add_argument("--key", action="append", default=[], metavar="KEY", help="only this row of the one --table")
    parser.add_argument("--delete-added", action="store_true", help="delete rows that were added since; else they stay")
    parser.add_argument(
        "--with-children", action="store_true", help="with a deleted row also the deleted ones that referred to it"
    )
    arguments.reason(parser)
    arguments.dry_run(parser, "show the differences only, also with --yes")


VERB = Verb("restore", "one tenant as a backup has it; shown, and done with --yes", restore, _arguments, EXAMPLES)
