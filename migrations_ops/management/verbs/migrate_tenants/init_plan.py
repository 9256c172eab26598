"""`migrate_tenants init-plan`: a starting plan, to a file, or where everything else goes."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from migrations_ops.management.confirm import confirmed
from migrations_ops.management.verb import Verb
from migrations_ops.rules import service as rules
from vital import private_files
from vital.cli.base_command import Options
from vital.cli.exit_codes import DONE, STOPPED, USAGE, Answer
from vital.cli.parser import Parser
from vital.counts import counted

if TYPE_CHECKING:
    from migrations_ops.rules.service import Draft

SHOWN = 30  # tables left out; the plan has them all


def init_plan(options: Options, console: Console) -> Answer:
    out = Path(options["out"]) if options["out"] else None
    over = out is not None and out.exists()
    if over and not confirmed(options, f"Writing over {out}", f"{out} exists. Write over it?"):
        return {"status": "cancelled", "out": str(out)}, STOPPED
    draft = rules.init_plan(options["schema"] or [], options["root"])
    plan, notes = draft.text, list(_left_out(draft))
    if out is not None:
        try:
            private_files.write(out, plan)
        except OSError as error:
            return {"error": f"The plan cannot be written to {out}: {error.strerror}. Name another file."}, USAGE
        console.print(f"{out}: {draft.tables} tables, {draft.tenants} tenants.", highlight=False)
        for line in notes:
            console.print(line, highlight=False, markup=False)
        console.print(
            f"Look at each EDIT in it, then: ./manage.py migrate_tenants --plan {out} --to 000",
            highlight=False,
            markup=False,
        )
    elif not options["json"]:
        console.file.write(plan)
    return {"plan": plan, "out": str(out or ""), "left_out": notes}, DONE


def _left_out(draft: "Draft") -> Iterator[str]:
    """What a reader of the plan would have to look for: where the tenants are, and what no tenant will have."""
    if draft.from_table:
        yield f"The tenants are not all listed: [tenants] takes them from {draft.root}, rows that are added later too."
    for table, parent in draft.owned_already.items():
        yield (
            f"{table} has a tenant_id that refers to {parent}: 000 refuses the plan until {parent} is its registry"
            " (docs/reference/plan.md), or the column has another name and no such reference."
        )
    for table, why in draft.private.items():
        yield f"No tenant reads {table} until its rows are decided: {why}."
    if draft.reached:
        ways = counted(draft.reached, "way")
        yield f"Everybody has {ways} past the policies, and so will tenants: the end of the plan names them."
    reasons = [f"Left out: {table}: {why}." for table, why in sorted(draft.left_out.items())]
    yield from reasons[:SHOWN]
    if len(reasons) > SHOWN:
        yield f"Left out: {len(reasons) - SHOWN:,} more, at the end of the plan with the reasons."


def _arguments(parser: Parser) -> None:
    add = parser.add_argument
    add("--schema", action="append", metavar="NAME", help="the tables of this schema; may be repeated")
    add("--root", default="", metavar="TABLE", help="its rows are the tenants")
    add("--out", default="", metavar="FILE", help="into this file")


VERB = Verb("init-plan", "a starting plan for a database that has none", init_plan, _arguments)
