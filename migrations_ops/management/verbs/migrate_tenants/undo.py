"""`migrate_tenants undo`: say which phases, ask, and show what came of it."""

from pathlib import Path

from rich.console import Console

from migrations_ops.management import arguments, background
from migrations_ops.management.confirm import confirmed
from migrations_ops.management.output.forecast import show_undo_forecast
from migrations_ops.management.output.run import result_document
from migrations_ops.management.output.terminal import listeners
from migrations_ops.management.output.undo import show_plan, show_undo
from migrations_ops.management.verb import Verb
from migrations_ops.runs import service as runs
from vital.cli.base_command import Options
from vital.cli.exit_codes import DONE, FAILED, STOPPED, Answer
from vital.cli.parser import WORDS, Parser


def undo(options: Options, console: Console) -> Answer:
    if options["dry_run"]:
        return _forecast(options, console)
    keys = runs.preview_undo(options["phase"])
    if not keys:
        console.print("Nothing to undo.")
        return {"status": "nothing_to_do", "phases": []}, DONE
    if not options["json"]:
        show_plan(console, keys)
    if not confirmed(options, "Undo", "Undo these phases?"):
        return {"status": "cancelled", "phases": keys}, STOPPED
    if options["background"]:
        return background.undo(options, console)
    archive = Path(options["archive"]) if options["archive"] else None
    by = runs.Actor(reason=options["reason"])
    with listeners(options, console) as heard_by:
        result = runs.undo_phases(options["phase"], archive, heard_by, by)
    if not options["json"]:
        show_undo(console, result, archive)
    return result_document(result), DONE


def _forecast(options: Options, console: Console) -> Answer:
    """What `--dry-run` shows; where the undo would refuse, exit 1, as the undo would."""
    document = runs.forecast_undo(options["phase"])
    if not options["json"]:
        show_undo_forecast(console, document)
    would_lose = document.get("lost") and not options["archive"]
    return document, FAILED if document["refused"] or would_lose else DONE


def _arguments(parser: Parser) -> None:
    parser.add_argument("--phase", default="", metavar="PHASE", help="back to before this phase (default: the first)")
    parser.add_argument("--archive", default="", metavar="FILE", help="keep what it would lose in this file")
    arguments.background_or_dry_run(parser, "show what would be undone, lost and kept, and write nothing")
    arguments.reason(parser)


LATEST_FIRST = "Phases are undone latest first: --phase 004 undoes 004 and every later one"
HINTS = dict.fromkeys(("--only", "--from", "--to", WORDS), LATEST_FIRST)
EXAMPLES = """
  ./manage.py migrate_tenants undo --phase 004     004 and every later phase
  ./manage.py migrate_tenants undo --dry-run       what that would be; nothing is written
"""
VERB = Verb("undo", "undo phases, latest first", undo, _arguments, EXAMPLES, HINTS)
