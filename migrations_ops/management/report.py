"""The verb that reports a run: ask the one service, show it, and write it as a page."""

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from migrations_ops.management.answers import DONE, USAGE, Answer, Options
from migrations_ops.management.verb import Verb
from migrations_ops.reports import service as reports
from tenants.parsing import Parser
from vital import private_files

SHOWN = 20  # rows of a section
WIDE = 160  # a table is shown whole; a narrow terminal wraps it


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
        _show(console, document)
        if file:
            console.print(f"The report is in {file}.", highlight=False, markup=False)
    return document, DONE


def _show(console: Console, document: dict[str, Any]) -> None:
    title, facts, sections = reports.report_in_words(document)
    console.print(f"[bold]{title}[/]", highlight=False)
    for name, words in facts:
        console.print(Text(f"  {name:<11} {words}"))
    for section in sections:
        table = Table(box=None, pad_edge=False, header_style="dim")
        for number, column in enumerate(section.columns):
            table.add_column(column, justify="left" if number < section.texts else "right")
        for row in section.rows[:SHOWN]:
            table.add_row(*(Text(cell) for cell in row))
        console.print(f"\n[bold]{section.title}[/]", highlight=False)
        console.print(table, width=WIDE, crop=False)
        if len(section.rows) > SHOWN:
            console.print(f"  … and {len(section.rows) - SHOWN:,} more (--json or --file FILE has them)")


def _arguments(parser: Parser) -> None:
    parser.add_argument("run", nargs="?", default="", metavar="RUN", help="its number (default: the last run)")
    parser.add_argument("--file", default="", metavar="FILE", help="write it as a page, FILE.html, too")


REPORT = Verb("report", "what a run did, for auditors", report, _arguments)
