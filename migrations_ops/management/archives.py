"""The verbs that take a tenant out into an archive, and bring one in."""

from pathlib import Path

from rich.console import Console

from migrations_ops import services
from migrations_ops.management.answers import DONE, USAGE, Answer, Options

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
