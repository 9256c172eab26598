"""`migrate_tenants run`: what is left of the migration, or the phases that are asked for."""

from dataclasses import replace
from pathlib import Path

from rich.console import Console

from migrations_ops.management import arguments, background
from migrations_ops.management.confirm import wants_next_phase
from migrations_ops.management.helper_processes import helped
from migrations_ops.management.output.elements import waiting
from migrations_ops.management.output.forecast import show_run_forecast
from migrations_ops.management.output.rehearsal import show_comparison
from migrations_ops.management.output.run import result_document, show_run
from migrations_ops.management.output.terminal import listeners
from migrations_ops.management.verb import Verb
from migrations_ops.runs import service as runs
from vital.cli.base_command import Options
from vital.cli.exit_codes import DONE, FAILED, STOPPED, USAGE, Answer
from vital.cli.parser import Parser

ASKED = ("first", "last", "only", "step_by_step", "tenant", "table", "maintenance", "keep_indexes")
EXAMPLES = """
  ./manage.py migrate_tenants                      all that is left; the word `run` may be left out
  ./manage.py migrate_tenants run --dry-run        what each phase would do; nothing is written
  ./manage.py migrate_tenants run --to 002         up to and including 002_tenant_setup
  ./manage.py migrate_tenants run --only 004       that phase alone
  ./manage.py migrate_tenants run --tenant pharma  a canary: that tenant alone, before the rest
"""


def _arguments(parser: Parser) -> None:
    add = parser.add_argument
    add("--from", dest="first", default="", metavar="PHASE", help="start at this phase")
    add("--to", dest="last", default="", metavar="PHASE", help="stop after this phase")
    add("--only", default="", metavar="PHASE", help="this phase alone")
    add("--step-by-step", action="store_true", help="stop after each phase")
    add("--tenant", default="", metavar="SLUG", help="this tenant first, isolated and proved alone")
    add("--table", default="", metavar="NAME", help="this table first, with what its rows follow")
    arguments.workers(parser)
    arguments.background_or_dry_run(parser, "show what each phase would do, and write nothing")
    add("--maintenance", action="store_true", help="the API does not write until the run is completed")
    add("--keep-indexes", action="store_true", help="drop no index on a tenant column while its table is assigned")
    add("--no-backup", action="store_true", help="no backup before the first change")
    arguments.reason(parser)


def run(options: Options, console: Console) -> Answer:
    if options["only"] and (options["first"] or options["last"]):
        return {"error": "--only is one phase, --from and --to are a range: give one of them. Nothing was done."}, USAGE
    request = runs.Request(*(options[name] for name in ASKED))
    if options["dry_run"]:
        return _forecast(request, options, console)
    if options["background"]:
        return background.run(request, options, console)
    step_by_step = options["step_by_step"]
    with (
        helped(options["workers"] - 1, Path(options["log_dir"]), console) as helpers,
        listeners(options, console, helpers) as heard_by,
    ):
        by = runs.Actor(reason=options["reason"])
        result = runs.run(request, heard_by, by)
        while result.status == "paused" and step_by_step and wants_next_phase(options, result.next_phase):
            request = replace(request, first=result.next_phase if request.first else "")
            result = runs.run(request, heard_by, by)
    document = result_document(result)
    if not options["json"]:
        show_run(console, result)
    if result.forecast:
        document["rehearsal"] = result.forecast
        show_comparison(console, result.forecast)
    return document, STOPPED if result.status == "paused" else DONE


def _forecast(request: runs.Request, options: Options, console: Console) -> Answer:
    """What `--dry-run` shows; a run that 000 would refuse is exit 1, as the run would be."""
    document = runs.forecast_run(request, waiting(console))
    if not options["json"]:
        show_run_forecast(console, document)
    return document, FAILED if document["refused"] else DONE


VERB = Verb("run", "carry out what is left of the phases", run, _arguments, EXAMPLES)
