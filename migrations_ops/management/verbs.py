"""The verbs of migrate_tenants: call the one service, show what came of it, return a document and an exit code."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from migrations_ops import services
from migrations_ops.management import background, control, limits, show, show_rehearsal, show_run, show_status, switch
from migrations_ops.management.answers import DONE, FAILED, STOPPED, Answer, Options, listener
from migrations_ops.management.asking import goes_on
from migrations_ops.management.decide import decide
from migrations_ops.management.explain import explain
from migrations_ops.management.findings import findings
from migrations_ops.management.helpers import helped
from migrations_ops.management.init_plan import init_plan
from migrations_ops.management.preview import preview
from migrations_ops.management.rehearsal import rehearse
from migrations_ops.management.report import report
from migrations_ops.management.suggest import suggest
from migrations_ops.management.undo import undo


def run(options: Options, console: Console) -> Answer:
    step_by_step = options["step_by_step"]
    asked = ("first", "last", "only", "step_by_step", "tenant", "table", "maintenance")
    request = services.Request(*(options[name] for name in asked))
    if options["background"]:
        return background.run(request, options, console)
    with helped(options["workers"] - 1, Path(options["log_dir"]), console) as helpers:
        listeners = listener(options, console, helpers)
        by = services.By(reason=options["reason"])
        result = services.run(request, listeners, by)
        while result.status == "paused" and step_by_step and goes_on(options, result.next_phase):
            request = replace(request, first=result.next_phase if request.first else "")
            result = services.run(request, listeners, by)
    document = show.result(result)
    if not options["json"]:
        show_run.run_result(console, result)
    if result.foretold:
        document["rehearsal"] = result.foretold
        show_rehearsal.compared(console, result.foretold)
    return document, STOPPED if result.status == "paused" else DONE


def status(options: Options, console: Console) -> Answer:
    document = services.status()
    if not options["json"]:
        show_status.status(console, document)
    return document, DONE


def validate(options: Options, console: Console) -> Answer:
    failed = services.validate(listener(options, console))
    return {"failed": failed, "valid": not failed}, FAILED if failed else DONE


Verbs = dict[str, Callable[[Options, Console], Answer]]
VERBS: Verbs = {
    verb.__name__.replace("_", "-"): verb
    for verb in (
        *(run, status, validate, undo, explain, preview, suggest, findings, decide, rehearse, report, init_plan),
        *(control.pause, control.resume, control.cancel, limits.tune, limits.work, switch.disarm, switch.rearm),
    )
}
