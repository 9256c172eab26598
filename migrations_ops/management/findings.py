"""The verb `findings`: what people should look at, on the terminal or as a file to fill in."""

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from migrations_ops.management.answers import DONE, USAGE, Answer, Options
from migrations_ops.management.verb import Verb
from migrations_ops.review import service as review
from tenants.parsing import Parser

KINDS = {
    "person": "a person decides",
    "unmatched": "no rule knows it",
    "reference": "refers to another tenant's row",
    "key": "a key that is there twice",
}
SINGLE = 1_000  # that are shown one by one; a file has all of them


def findings(options: Options, console: Console) -> Answer:
    wanted = review.Wanted(options["table"], options["check"])
    if options["csv"]:
        return _file(wanted, Path(options["csv"]), console)
    document = review.findings(wanted, SINGLE if options["keys"] else 0)
    if not options["json"]:
        _show(console, document, keys=options["keys"])
    return document, DONE


def _file(wanted: review.Wanted, file: Path, console: Console) -> Answer:
    try:
        count = review.export_findings(wanted, file)
    except OSError as error:
        return {"error": f"The findings cannot be written to {file}: {error.strerror}. Name another, new file."}, USAGE
    console.print(f"{count:,} open findings are in {file}. Fill in tenant and reason, and give it back with:")
    console.print(f"  ./manage.py migrate_tenants decide --csv {file}", highlight=False)
    return {"file": str(file), "rows": count}, DONE


def _show(console: Console, document: dict[str, Any], *, keys: bool) -> None:
    if not document["findings"]:
        console.print("No findings.")
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("table", "kind", "open", "decided", "gone", ""):
        table.add_column(name, justify="right" if name in {"open", "decided", "gone"} else "left")
    for group in document["findings"]:
        counts = [f"{group[name]:,}" if group[name] else "" for name in ("open", "decided", "gone")]
        stops = "stops 006" if group["blocking"] and group["open"] else ""
        table.add_row(group["table"], KINDS[group["kind"]], *counts, stops)
    console.print(table)
    for row in document["rows"]:
        console.print(f"  {row['state']:<8} {row['table']} {row['key']}: {row['message']}", highlight=False)
    if keys and document["left_out"]:
        console.print(f"  … and {document['left_out']:,} more: --table, --check, or --csv FILE for all that are open")
    if not keys and any(group["open"] for group in document["findings"]):
        console.print("\nWhich rows: --keys, or --csv FILE to fill in. A person decides with:", highlight=False)
        console.print('  ./manage.py migrate_tenants decide TABLE KEY TENANT --reason "..."', highlight=False)


def _arguments(parser: Parser) -> None:
    parser.add_argument("--table", default="", metavar="NAME", help="of this table")
    parser.add_argument("--check", default="", metavar="TEXT", help="of this kind, or with this in the check's name")
    shown = parser.add_mutually_exclusive_group()
    shown.add_argument("--keys", action="store_true", help="single rows")
    shown.add_argument("--csv", default="", metavar="FILE", help="write the open ones into a new file, to fill in")


FINDINGS = Verb("findings", "the rows that people should look at, or decide about", findings, _arguments)
