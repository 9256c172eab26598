"""`migrate_tenants validate`: every check of 005, asked again."""

from rich.console import Console

from migrations_ops.management.output.terminal import listeners
from migrations_ops.management.verb import Verb
from migrations_ops.runs import service as runs
from vital.cli.base_command import Options
from vital.cli.exit_codes import DONE, FAILED, Answer
from vital.counts import counted


def validate(options: Options, console: Console) -> Answer:
    with listeners(options, console) as heard_by:
        failed = runs.validate(heard_by)
    if not options["json"]:
        said = (
            f"[bold red]Not valid:[/] {counted(failed, 'check')} failed"
            if failed
            else "[green]Valid:[/] no check failed"
        )
        console.print(f"\n{said}", highlight=False)
    return {"failed": failed, "valid": not failed}, FAILED if failed else DONE


VERB = Verb("validate", "ask every check of 005, read-only, at any time", validate)
