"""A run's report, for people at a terminal."""

from typing import Any

from rich.console import Console
from rich.text import Text

from migrations_ops.management.output.elements import grid
from migrations_ops.reports import service as reports

SHOWN = 20  # rows of a section
WIDE = 160  # a table is shown whole; a narrow terminal wraps it


def show_report(console: Console, document: dict[str, Any]) -> None:
    title, facts, sections = reports.report_in_words(document)
    console.print(f"[bold]{title}[/]", highlight=False)
    for name, words in facts:
        console.print(Text(f"  {name:<11} {words}"))
    for section in sections:
        rows = grid(*section.columns, left=section.texts)
        for row in section.rows[:SHOWN]:
            rows.add_row(*(Text(cell) for cell in row))
        console.print(f"\n[bold]{section.title}[/]", highlight=False)
        console.print(rows, width=WIDE, crop=False)
        if len(section.rows) > SHOWN:
            console.print(f"  … and {len(section.rows) - SHOWN:,} more (--json or --file FILE has them)")
        elif section.note:
            console.print(f"  {section.note}", highlight=False)
