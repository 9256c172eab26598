"""The verbs that take a tenant out into an archive, bring one in, and remove one that is out."""

from pathlib import Path
from typing import Any

from rich.console import Console

from migrations_ops import services
from migrations_ops.management.answers import DONE, STOPPED, USAGE, Answer, Options
from migrations_ops.management.asking import names_it

EXPORT = "export takes SLUG FILE: manage.py tenants export pharma pharma.zip"
IMPORT = "import takes FILE: manage.py tenants import pharma.zip --reason TEXT"


def export(options: Options, console: Console) -> Answer:
    if len(options["words"]) != 2:
        return {"error": EXPORT}, USAGE
    slug, file = options["words"]
    done = services.export_tenant(slug, Path(file), lambda said: console.print(f"  {said}", highlight=False))
    console.print(f"[green]Exported.[/] {done['rows']:,} rows of {slug} are in {file}.", highlight=False)
    console.print("It holds all that the tenant has: keep it as you would keep its database.")
    return done, DONE


def bring_in(options: Options, console: Console) -> Answer:
    if len(options["words"]) != 1:
        return {"error": IMPORT}, USAGE
    file, dry_run = Path(options["words"][0]), options["dry_run"]
    done = services.import_tenant(
        file,
        options["reason"],
        lambda said: console.print(f"  {said}", highlight=False),
        slug=options["slug"],
        dry_run=dry_run,
    )
    what = "[yellow]Nothing was kept.[/] All of it would go in:" if dry_run else "[green]Imported.[/]"
    console.print(f"{what} {done['rows']:,} rows of {done['slug']}, equal to the archive.", highlight=False)
    return done, DONE


REMOVE = "remove takes SLUG and the FILE of its export: manage.py tenants remove pharma pharma.zip --reason TEXT"


def remove(options: Options, console: Console) -> Answer:
    """Two things must be said of what goes: whose it is, and how much. In a script both as --confirm SLUG:ROWS."""
    if len(options["words"]) != 2:
        return {"error": REMOVE}, USAGE
    slug, file = options["words"][0], Path(options["words"][1])
    leaves = services.leaving_tenant(slug, file)
    said = options["confirm"] == f"{leaves['slug']}:{leaves['rows']}"
    if not said and not _confirmed(options | {"yes": False}, leaves, console):
        return {
            "error": f"Not confirmed: {leaves['slug']}:{leaves['rows']} was not said. Nothing was changed."
        }, STOPPED
    done = services.remove_tenant(
        slug, file, options["reason"], lambda told: console.print(f"  {told}", highlight=False)
    )
    console.print(
        f"[green]Removed.[/] {done['rows']:,} rows of {slug} are in {file} and nowhere else.", highlight=False
    )
    return done, DONE


def _confirmed(options: Options, leaves: dict[str, Any], console: Console) -> bool:
    slug, rows = leaves["slug"], str(leaves["rows"])
    console.print(f"{slug} and its {leaves['rows']:,} rows go for good; the archive is of {leaves['taken_at']}.")
    what = f"Removing a tenant (in a script: --confirm {slug}:ROWS)"
    if not names_it(options, what, slug, "Its slug, to go on"):
        return False
    return names_it(options, what, rows, "And how many rows")
