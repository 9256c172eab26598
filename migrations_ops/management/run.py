"""The verb that carries the migration out: what is left of it, or the phases that are asked for."""

from dataclasses import replace
from pathlib import Path

from rich.console import Console

from migrations_ops.management import background, options, show, show_forecast, show_rehearsal, show_run
from migrations_ops.management.answers import DONE, FAILED, STOPPED, USAGE, Answer, Options, listener
from migrations_ops.management.asking import goes_on
from migrations_ops.management.helpers import helped
from migrations_ops.management.verb import Verb
from migrations_ops.runs import service as runs
from tenants.parsing import Parser

ASKED = ("first", "last", "only", "step_by_step", "tenant", "table", "maintenance")
EXAMPLES = """
  ./manage.py migrate_tenants                      all that is left; the word `run` may be left out
  ./manage.py migrate_tenants run --dry-run        what each phase would do; nothing is written
  ./manage.py migrate_tenants run --to 002         up to and including 002_tenant_setup
  ./manage.py migrate_tenants run --only 004       that phase alone
  ./manage.py migrate_tenants run --tenant pharma  a canary: that tenant alone, before the rest
"""


def arguments(parser: Parser) -> None:
    add = parser.add_argument
    add("--from", dest="first", default="", metavar="PHASE", help="start at this phase")
    add("--to", dest="last", default="", metavar="PHASE", help="stop after this phase")
    add("--only", default="", metavar="PHASE", help="this phase alone")
    add("--step-by-step", action="store_true", help="stop after each phase for a look")
    add("--tenant", default="", metavar="SLUG", help="this tenant first, isolated and proved alone")
    add("--table", default="", metavar="NAME", help="this table first, with what its rows follow")
    options.workers(parser)
    options.background_or_dry_run(parser, "show what each phase would do, and write nothing")
    add("--maintenance", action="store_true", help="the API does not write until the run is completed")
    add("--no-backup", action="store_true", help="no backup before the first change")
    options.reason(parser)


def run(options: Options, console: Console) -> Answer:
    if options["only"] and (options["first"] or options["last"]):
        return {"error": "--only is one phase, --from and --to are a range: give one of them. Nothing was done."}, USAGE
    request = runs.Request(*(options[name] for name in ASKED))
    if options["dry_run"]:
        return _forecast(request, options, console)
    if options["background"]:
        return background.run(request, options, console)
    step_by_step = options["step_by_step"]
    with helped(options["workers"] - 1, Path(options["log_dir"]), console) as helpers:
        listeners = listener(options, console, helpers)
        by = runs.Actor(reason=options["reason"])
        result = runs.run(request, listeners, by)
        while result.status == "paused" and step_by_step and goes_on(options, result.next_phase):
            request = replace(request, first=result.next_phase if request.first else "")
            result = runs.run(request, listeners, by)
    document = show.result(result)
    if not options["json"]:
        show_run.run_result(console, result)
    if result.forecast:
        document["rehearsal"] = result.forecast
        show_rehearsal.compared(console, result.forecast)
    return document, STOPPED if result.status == "paused" else DONE


def _forecast(request: runs.Request, options: Options, console: Console) -> Answer:
    """What `--dry-run` shows; a run that 000 would refuse is exit 1, as the run would be."""
    document = runs.forecast_run(request, lambda why: console.print(f"waits for {why}", highlight=False))
    if not options["json"]:
        show_forecast.of_run(console, document)
    return document, FAILED if document["refused"] else DONE


RUN = Verb("run", "carry out what is left of the phases", run, arguments, EXAMPLES)
