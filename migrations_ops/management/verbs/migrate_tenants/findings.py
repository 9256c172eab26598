"""`migrate_tenants findings`: what people should look at, on the terminal or as a file to fill in."""

from pathlib import Path

from rich.console import Console

from migrations_ops.management.output.findings import show_findings
from migrations_ops.management.verb import Verb
from migrations_ops.review import service as review
from vital.cli.base_command import Options
from vital.cli.exit_codes import DONE, USAGE, Answer
from vital.cli.parser import Parser

SINGLE = 1_000  # that are shown one by one; a file has all of them


def findings(options: Options, console: Console) -> Answer:
    wanted = review.Wanted(options["table"], options["check"])
    if options["csv"]:
        return _file(wanted, Path(options["csv"]), console)
    document = review.findings(wanted, SINGLE if options["keys"] else 0)
    if not options["json"]:
        show_findings(console, document, keys=options["keys"])
    return document, DONE


def _file(wanted: review.Wanted, file: Path, console: Console) -> Answer:
    try:
        count = review.export_findings(wanted, file)
    except OSError as error:
        return {"error": f"The findings cannot be written to {file}: {error.strerror}. Name another, new file."}, USAGE
    console.print(f"{count:,} open findings are in {file}. Fill in tenant and reason, and give it back with:")
    console.print(f"  ./manage.py migrate_tenants decide --csv {file}", highlight=False)
    return {"file": str(file), "rows": count}, DONE


def _arguments(parser: Parser) -> None:
    parser.add_argument("--table", default="", metavar="NAME", help="of this table")
    parser.add_argument("--check", default="", metavar="TEXT", help="of this kind, or with this in the check's name")
    shown = parser.add_mutually_exclusive_group()
    shown.add_argument("--keys", action="store_true", help="single rows")
    shown.add_argument("--csv", default="", metavar="FILE", help="write the open ones into a new file, to fill in")


VERB = Verb("findings", "the rows that people should look at, or decide about", findings, _arguments)
