"""The verbs that open the fence and close it again."""

from rich.console import Console

from migrations_ops.management import options, show, show_run
from migrations_ops.management.answers import DONE, STOPPED, Answer, Options, listener
from migrations_ops.management.asking import agrees
from migrations_ops.management.verb import Verb
from migrations_ops.runs import service as runs
from vital.db.sql import shown


def disarm(options: Options, console: Console) -> Answer:
    question = "Open the fence? The service answers 503 until it is closed again."
    if options["reason"] and not agrees(options, "Opening the fence", question):
        return {"status": "cancelled"}, STOPPED
    tables = runs.disarm(options["reason"], lambda why: console.print(f"waits for {why}", highlight=False))
    if not options["json"]:
        console.print(
            f"[yellow]The fence is open[/] on {len(tables)} tables: others see what they saw before 006, tenants see"
            " nothing, and the service answers 503. Close it with: ./manage.py migrate_tenants rearm --reason ...",
            highlight=False,
        )
    return {"status": "disarmed", "tables": [shown(table) for table in tables]}, DONE


def rearm(options: Options, console: Console) -> Answer:
    result = runs.rearm(options["reason"], listener(options, console))
    if not options["json"]:
        show_run.run_result(console, result)
    return show.result(result), DONE


DISARM = Verb("disarm", "turn isolation off for everyone but tenants; the service answers 503", disarm, options.reason)
REARM = Verb("rearm", "turn isolation on again, and attack it", rearm, options.reason)
