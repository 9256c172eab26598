"""The verbs that reach a run from another terminal: pause, resume, cancel."""

from pathlib import Path

from rich.console import Console

from migrations_ops.management import background, options, show, show_run, show_undo
from migrations_ops.management.answers import DONE, FAILED, Answer, Options, listener
from migrations_ops.management.helpers import helped
from migrations_ops.management.verb import Verb
from migrations_ops.runs import service as runs
from tenants.parsing import Parser

SAID = {
    "paused": "Run {run} is paused. Go on with: ./manage.py migrate_tenants resume",
    "cancelled": "Run {run} is cancelled. What it did stays, and can be taken back: ./manage.py migrate_tenants undo",
    "completed": "Run {run} was through before it could be stopped.",
    "failed": "Run {run} had failed before it could be stopped: ./manage.py migrate_tenants status",
    "running": "Run {run} was asked to stop and is still in its batch: ./manage.py migrate_tenants status",
}


def pause(options: Options, console: Console) -> Answer:
    return _stop("pause", "paused", options, console)


def cancel(options: Options, console: Console) -> Answer:
    return _stop("cancel", "cancelled", options, console)


def resume(options: Options, console: Console) -> Answer:
    if options["background"]:
        return background.resume(options, console)
    with helped(options["workers"] - 1, Path(options["log_dir"]), console) as helpers:
        result = runs.resume(listener(options, console, helpers), runs.Actor(reason=options["reason"]))
    if not options["json"]:
        shown(console, result)
    return show.result(result), DONE


def shown(console: Console, result: runs.Result) -> None:
    """What came of a run, or of an undo, that went on."""
    if result.undone is None:
        show_run.run_result(console, result)
    else:
        show_undo.result(console, result, None)


def _stop(what: str, wanted: str, options: Options, console: Console) -> Answer:
    run, status = runs.stop(what, actor=runs.Actor(reason=options["reason"]))
    if not options["json"]:
        console.print(SAID[status].format(run=run))
    return {"run": run, "status": status}, DONE if status == wanted else FAILED


def _of_resume(parser: Parser) -> None:
    options.workers(parser)
    options.background(parser)
    options.reason(parser)


PAUSE = Verb("pause", "from another terminal: stop the run after its batch", pause, options.reason)
RESUME = Verb("resume", "go on with a run that was paused, or has failed", resume, _of_resume)
CANCEL = Verb("cancel", "abandon an unfinished run; what it did stays", cancel, options.reason)
