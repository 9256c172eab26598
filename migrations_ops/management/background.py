"""`--background`: a run, an undo or a resumed run is handed to a worker, and this command ends."""

from typing import Any

from rich.console import Console

from migrations_ops.runs import service as runs
from vital.cli.base_command import Options
from vital.cli.exit_codes import DONE, USAGE, Answer

CANNOT = """{option} cannot be had with --background: there is no terminal to ask on, and VITAL_HELPERS says how many \
processes share a table"""
SAID = """{what} {run} is in the background. How it goes, and how to stop it:
  ./manage.py migrate_tenants status
  ./manage.py migrate_tenants pause"""


def run(request: runs.Request, options: Options, console: Console) -> Answer:
    if refused := _refused(options):
        return refused
    return _started("Run", runs.start_in_background(request, **_asked(options)), options, console)


def undo(options: Options, console: Console) -> Answer:
    if refused := _refused(options):
        return refused
    return _started("Undo", runs.undo_in_background(options["phase"], **_asked(options)), options, console)


def resume(options: Options, console: Console) -> Answer:
    if refused := _refused(options):
        return refused
    return _started("Run", runs.resume_in_background(**_asked(options)), options, console)


def _asked(options: Options) -> dict[str, Any]:
    by = runs.Actor(reason=options["reason"])
    return {"who": by.who, "reason": by.reason}


def _refused(options: Options) -> Answer | None:
    """Options that need this process to stay; None where there are none."""
    asked = {"--step-by-step": options.get("step_by_step"), "--archive": options.get("archive")}
    asked["--workers"] = options.get("workers", 1) > 1
    found = [option for option, given in asked.items() if given]
    return ({"error": CANNOT.format(option=found[0])}, USAGE) if found else None


def _started(what: str, run_id: int | None, options: Options, console: Console) -> Answer:
    status = "running" if run_id else "nothing_to_do"
    if not options["json"]:
        console.print(SAID.format(what=what, run=run_id) if run_id else "Nothing to do.", highlight=False)
    return {"run": run_id, "status": status}, DONE
