"""The verb that writes a starting plan: to a file, or where everything else goes."""

from pathlib import Path

from rich.console import Console

from migrations_ops import services
from migrations_ops.management.answers import DONE, STOPPED, USAGE, Answer, Options
from migrations_ops.management.asking import agrees
from vital import private_files


def init_plan(options: Options, console: Console) -> Answer:
    out = Path(options["out"]) if options["out"] else None
    if out is not None and out.exists() and not agrees(options, f"Writing over {out}", f"{out} exists. Write over it?"):
        return {"status": "cancelled", "out": str(out)}, STOPPED
    plan = services.init_plan(options["schema"] or [], options["root"])
    if out is not None:
        try:
            private_files.write(out, plan)
        except OSError as error:
            return {"error": f"The plan cannot be written to {out}: {error.strerror}. Name another file."}, USAGE
        console.print(f"{out}: {plan.count('[[table]]')} tables, {plan.count('[[tenant]]')} tenants.", highlight=False)
        console.print(
            f"Look at each EDIT in it, then: manage.py migrate_tenants --plan {out} --to 000",
            highlight=False,
            markup=False,
        )
    elif not options["json"]:
        console.file.write(plan)
    return {"plan": plan, "out": str(out or "")}, DONE
