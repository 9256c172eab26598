"""`migrate_tenants work`: one more worker for the run at work."""

from rich.console import Console

from migrations_ops.engine.events import Listeners
from migrations_ops.management.verb import Verb
from migrations_ops.runs import service as runs
from vital.cli.base_command import Options
from vital.cli.exit_codes import DONE, Answer


def work(options: Options, console: Console) -> Answer:
    run = runs.work(Listeners())
    console.print(f"Run {run} needs no more help.", highlight=False)
    return {"run": run}, DONE


VERB = Verb("work", "one more worker for the run at work, from any machine", work)
