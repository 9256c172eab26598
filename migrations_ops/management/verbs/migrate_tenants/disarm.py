"""`migrate_tenants disarm`: isolation off for everyone but tenants."""

from rich.console import Console

from migrations_ops.management import arguments
from migrations_ops.management.confirm import confirmed
from migrations_ops.management.output.elements import waiting
from migrations_ops.management.verb import Verb
from migrations_ops.runs import service as runs
from vital.cli.base_command import Options
from vital.cli.exit_codes import DONE, STOPPED, Answer
from vital.db.sql import shown


def disarm(options: Options, console: Console) -> Answer:
    question = "Turn isolation off for everyone but tenants? The service answers 503 until it is on again."
    if options["reason"] and not confirmed(options, "Turning isolation off", question):
        return {"status": "cancelled"}, STOPPED
    tables = runs.disarm(options["reason"], waiting(console))
    if not options["json"]:
        console.print(
            f"[yellow]Isolation is off[/] on {len(tables)} tables: others see what they saw before 006, tenants see"
            " nothing, and the service answers 503. Close it with: ./manage.py migrate_tenants rearm --reason ...",
            highlight=False,
        )
    return {"status": "disarmed", "tables": [shown(table) for table in tables]}, DONE


VERB = Verb("disarm", "turn isolation off for everyone but tenants; the service answers 503", disarm, arguments.reason)
