"""The verbs that say how the migration stands, and ask every check again."""

from rich.console import Console

from migrations_ops.management import show_status
from migrations_ops.management.answers import DONE, FAILED, Answer, Options, listener
from migrations_ops.management.verb import Verb
from migrations_ops.runs import service as runs


def status(options: Options, console: Console) -> Answer:
    document = runs.status()
    if not options["json"]:
        show_status.status(console, document)
    return document, DONE


def validate(options: Options, console: Console) -> Answer:
    failed = runs.validate(listener(options, console))
    return {"failed": failed, "valid": not failed}, FAILED if failed else DONE


STATUS = Verb("status", "how far it is, what was found, what comes next", status)
VALIDATE = Verb("validate", "ask every check of 005, read-only, at any time", validate)
