"""`migrate_tenants uninstall`: show what is VITAL's own, and with --yes remove it."""

from rich.console import Console

from migrations_ops.management.output.elements import waiting
from migrations_ops.management.output.uninstall import show_removal
from migrations_ops.management.verb import Verb
from migrations_ops.runs import service as runs
from vital.cli.base_command import Options
from vital.cli.exit_codes import DONE, Answer


def uninstall(options: Options, console: Console) -> Answer:
    document = runs.uninstall(waiting(console)) if options["yes"] else runs.preview_uninstall()
    if not options["json"]:
        show_removal(console, document)
    return document, DONE


EXAMPLES = """
  ./manage.py migrate_tenants uninstall            what would be removed; nothing is changed
  ./manage.py migrate_tenants uninstall --yes      remove it
"""
HELP = "show what is VITAL's own in the database; with --yes, remove it after a full undo"
VERB = Verb("uninstall", HELP, uninstall, examples=EXAMPLES)
