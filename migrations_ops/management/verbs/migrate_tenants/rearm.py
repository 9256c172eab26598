"""`migrate_tenants rearm`: isolation on again, and attacked."""

from rich.console import Console

from migrations_ops.management import arguments
from migrations_ops.management.output.run import result_document, show_run
from migrations_ops.management.output.terminal import listeners
from migrations_ops.management.verb import Verb
from migrations_ops.runs import service as runs
from vital.cli.base_command import Options
from vital.cli.exit_codes import DONE, Answer


def rearm(options: Options, console: Console) -> Answer:
    with listeners(options, console) as heard_by:
        result = runs.rearm(options["reason"], heard_by)
    if not options["json"]:
        show_run(console, result)
    return result_document(result), DONE


VERB = Verb("rearm", "turn isolation on again, and attack it", rearm, arguments.reason)
