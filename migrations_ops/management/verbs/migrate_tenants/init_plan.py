"""`migrate_tenants init-plan`: a starting plan, to a file, or where everything else goes."""

from pathlib import Path

from rich.console import Console

from migrations_ops.management.confirm import confirmed
from migrations_ops.management.verb import Verb
from migrations_ops.rules import service as rules
from vital import private_files
from vital.cli.base_command import Options
from vital.cli.exit_codes import DONE, STOPPED, USAGE, Answer
from vital.cli.parser import Parser


def init_plan(options: Options, console: Console) -> Answer:
    out = Path(options["out"]) if options["out"] else None
    over = out is not None and out.exists()
    if over and not confirmed(options, f"Writing over {out}", f"{out} exists. Write over it?"):
        return {"status": "cancelled", "out": str(out)}, STOPPED
    plan = rules.init_plan(options["schema"] or [], options["root"])
    if out is not None:
        try:
            private_files.write(out, plan)
        except OSError as error:
            return {"error": f"The plan cannot be written to {out}: {error.strerror}. Name another file."}, USAGE
        console.print(f"{out}: {plan.count('[[table]]')} tables, {plan.count('[[tenant]]')} tenants.", highlight=False)
        console.print(
            f"Look at each EDIT in it, then: ./manage.py migrate_tenants --plan {out} --to 000",
            highlight=False,
            markup=False,
        )
    elif not options["json"]:
        console.file.write(plan)
    return {"plan": plan, "out": str(out or "")}, DONE


def _arguments(parser: Parser) -> None:
    add = parser.add_argument
    add("--schema", action="append", metavar="NAME", help="the tables of this schema; may be repeated")
    add("--root", default="", metavar="TABLE", help="its rows are the tenants")
    add("--out", default="", metavar="FILE", help="into this file")


VERB = Verb("init-plan", "a starting plan for a database that has none", init_plan, _arguments)
