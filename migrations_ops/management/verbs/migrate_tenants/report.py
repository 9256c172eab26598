"""`migrate_tenants report`: ask the one service, show it, and write it as a page."""

from pathlib import Path

from rich.console import Console

from migrations_ops.management.output.report import show_report
from migrations_ops.management.verb import Verb
from migrations_ops.reports import service as reports
from vital import private_files
from vital.cli.base_command import Options
from vital.cli.exit_codes import DONE, USAGE, Answer
from vital.cli.parser import Parser


def report(options: Options, console: Console) -> Answer:
    run, file = options["run"], Path(options["file"]) if options["file"] else None
    if not run.isdecimal() and run:
        return {"error": "report takes the id of one run, or nothing for the last: migrate_tenants report 7"}, USAGE
    if file and file.suffix != ".html":
        return {"error": f"A report is written as a page: --file {file.stem}.html"}, USAGE
    document = reports.report(int(run) if run else None)
    if file:
        try:
            private_files.write(file, reports.report_as_html(document))
        except OSError as error:
            return {"error": f"The report cannot be written to {file}: {error.strerror}."}, USAGE
    if not options["json"]:
        show_report(console, document)
        if file:
            console.print(f"The report is in {file}.", highlight=False, markup=False)
    return document, DONE


def _arguments(parser: Parser) -> None:
    parser.add_argument("run", nargs="?", default="", metavar="RUN", help="its number (default: the last run)")
    parser.add_argument("--file", default="", metavar="FILE", help="write it as a page, FILE.html, too")


VERB = Verb("report", "what a run did, for auditors", report, _arguments)
