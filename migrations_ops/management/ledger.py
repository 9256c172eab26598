"""The face of `ledger`: its size, its retention, a deleted row's key."""

from rich.console import Console
from rich.table import Table

from migrations_ops import services
from migrations_ops.management.answers import DONE, USAGE, Answer, Options
from migrations_ops.units import size as in_words


def ledger(options: Options, console: Console) -> Answer:
    verb, words = options["verb"], options["words"]
    if verb == "forget":
        if len(words) != 2:
            return {"error": "forget takes TABLE KEY: manage.py ledger forget users KEY --reason TEXT"}, USAGE
        done = services.forget_key(words[0], words[1], options["reason"])
        console.print(f"[green]Forgotten[/] in {done['entries']:,} entries of {done['table']}.", highlight=False)
        return done, DONE
    if words:
        return {"error": f"{verb} takes no words: {' '.join(words)}"}, USAGE
    if verb == "purge":
        done = services.purge_ledger(options["undone_before"], options["reason"], dry_run=options["dry_run"])
        what = "would go" if options["dry_run"] else "are gone"
        console.print(
            f"{done['entries']:,} entries about {done['rows']:,} rows {what}: all were undone.", highlight=False
        )
        return done, DONE
    found = services.ledger_size()
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("table", "entries", "rows", "undone"):
        table.add_column(name, justify="left" if name == "table" else "right")
    for one in found["tables"]:
        table.add_row(one["table"], *(f"{one[name]:,}" for name in ("entries", "rows", "undone")))
    console.print(table)
    console.print(f"It takes {in_words(found['bytes'])}, with its indexes.", highlight=False)
    return found, DONE
