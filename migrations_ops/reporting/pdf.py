"""A report as a PDF, A4 across. With a font of this machine that knows most letters; else with those of Western Europe,
and then it says so."""

import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fpdf import FPDF
from fpdf.enums import TableBordersLayout
from fpdf.fonts import FontFace

from migrations_ops.reporting import words
from migrations_ops.reporting.words import Section
from migrations_ops.units import moment

# Where Debian, Fedora, Alpine and macOS keep fonts that know Latin, Greek, Cyrillic and more.
FONTS = (
    "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
    "/usr/share/fonts/dejavu-sans-fonts/DejaVuSans.ttf",
    "/usr/share/fonts/dejavu/DejaVuSans.ttf",
    "/usr/share/fonts/truetype/liberation/LiberationSans-Regular.ttf",
    "/System/Library/Fonts/Supplemental/Arial Unicode.ttf",
)
CORE = "Helvetica"  # in every reader, Latin-1 only
LACKING = "This machine has no font for all letters; those it lacks are shown as ?. Name one in VITAL_PDF_FONT."
SMALL, NORMAL, LARGE, LARGEST = 7.5, 9, 12, 17
DIM, INK, LINE = (90, 100, 117), (28, 35, 48), (216, 221, 230)


class Paper(FPDF):
    """Pages with a number, and a font that was found."""

    def __init__(self, named: str) -> None:
        super().__init__("landscape", "mm", "A4")
        self.family = CORE
        for file in filter(None, (named, *FONTS)):
            if Path(file).is_file():
                self.family = "report"
                self.add_font(self.family, "", file)
                break
        self.set_auto_page_break(True, 15)
        self.set_draw_color(*LINE)
        self.add_page()

    def footer(self) -> None:
        self.set_y(-10)
        self.write_in(SMALL, DIM)
        self.cell(0, 5, f"{self.page_no()}", align="R")

    def write_in(self, points: float, colour: tuple[int, int, int] = INK) -> None:
        self.set_font(self.family, "", points)
        self.set_text_color(*colour)

    def said(self, text: str, points: float = NORMAL, colour: tuple[int, int, int] = INK) -> None:
        self.write_in(points, colour)
        self.multi_cell(0, points * 0.5, self.known(text), new_x="LMARGIN", new_y="NEXT")

    def known(self, text: str) -> str:
        """The text in letters that the font has; with the core font accents are kept and the rest becomes ?."""
        if self.family != CORE:
            return text
        plain = unicodedata.normalize("NFKC", text.translate(PLAIN))
        return plain.encode("latin-1", "replace").decode("latin-1")


PLAIN = str.maketrans({"…": "...", "“": '"', "”": '"', "→": "->"})  # what VITAL's own sentences have


def pdf(document: dict[str, Any], font: str = "") -> bytes:
    """The report's bytes; `font` is a TrueType file that is taken before all others."""
    paper = Paper(font)
    paper.set_title(words.title(document))
    paper.said(words.title(document), LARGEST)
    paper.said(f"Written {moment(datetime.now(UTC).isoformat())} UTC.", NORMAL, DIM)
    paper.ln(3)
    for name, text in words.facts(document):
        paper.said(f"{name}: {text}")
    for section in words.sections(document):
        _section(paper, section)
    if paper.family == CORE:
        paper.ln(4)
        paper.said(LACKING, NORMAL, DIM)
    return bytes(paper.output())


def _section(paper: Paper, section: Section) -> None:
    if paper.will_page_break(30):  # a heading stays with the beginning of its table
        paper.add_page()
    paper.ln(5)
    paper.said(section.title, LARGE)
    if section.sentence:
        paper.said(section.sentence, NORMAL, DIM)
    paper.ln(1)
    paper.write_in(SMALL)
    with paper.table(
        borders_layout=TableBordersLayout.HORIZONTAL_LINES,
        headings_style=FontFace(emphasis="", color=DIM),
        line_height=4,
        text_align=tuple("LEFT" if number < section.texts else "RIGHT" for number in range(len(section.columns))),
        col_widths=tuple(_widths(section)),
        padding=0.6,
    ) as table:
        for row in (section.columns, *section.rows):
            table.row([paper.known(cell) for cell in row])
    if section.note:
        paper.said(section.note, NORMAL, DIM)


def _widths(section: Section) -> Iterator[int]:
    """Each column as wide as its longest cell wants, between bounds that leave room for the others."""
    for cells in zip(section.columns, *section.rows, strict=True):
        yield min(max(7, *(len(cell) for cell in cells)), 60)
