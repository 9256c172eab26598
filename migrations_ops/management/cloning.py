"""The verb that makes a second tenant of one."""

from rich.console import Console

from migrations_ops import services
from migrations_ops.management.answers import DONE, USAGE, Answer, Options

CLONE = "clone takes SLUG and the slug of the NEW one: manage.py tenants clone pharma pharma-test --reason TEXT"


def clone(options: Options, console: Console) -> Answer:
    if len(options["words"]) != 2:
        return {"error": CLONE}, USAGE
    slug, new = options["words"]
    done = services.clone_tenant(
        slug,
        services.New(new, options["name"] or new, id=options["id"], domain=options["domain"]),
        options["reason"],
        lambda said: console.print(f"  {said}", highlight=False),
        without=options["without"],
        dry_run=options["dry_run"],
    )
    for table, columns in done["emptied"].items():
        console.print(f"[yellow]{table}[/]: the copies have no {', '.join(columns)}.", highlight=False)
    for where, count in done["across"].items():
        told = f"{count:,} of {slug}'s {where} lead to others' rows: their copies have nothing there."
        console.print(f"[yellow]![/] {told}", highlight=False)
    what = "[yellow]Nothing was kept.[/] It would have" if done["dry_run"] else "[green]Cloned.[/] It has"
    console.print(f"{what} {done['rows']:,} rows, each as {slug} has it, with keys of their own.", highlight=False)
    return done, DONE
