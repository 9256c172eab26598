"""Fill empty legacy tables with synthetic data of any size."""

from argparse import ArgumentTypeError
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import CommandParser
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from catalog.generation import fill
from catalog.generation.sizes import Sizes
from catalog.management.fill_command import FillCommand
from catalog.report import Filled

SHOW_PROGRESS_FROM = 50_000


def positive(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is not a whole number above zero")
    return int(text)


class Command(FillCommand):
    help = "Fill the empty legacy tables with synthetic data; the same rows and seed always give the same data."
    examples = """
examples:
  ./manage.py generate_legacy --rows 1500              a small platform, made in a moment
  ./manage.py generate_legacy --rows 1000000 --json    a large one, and what was made as JSON
"""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--rows", type=positive, required=True, metavar="N", help="rows of knowledge_base")
        parser.add_argument(
            "--seed", type=int, default=1, metavar="S", help="another seed gives other data (default 1)"
        )

    def fill(self, options: dict[str, Any]) -> list[Filled]:
        with progress_bar(options["rows"]) as progress:
            return fill.generate(options["rows"], options["seed"], progress)


@contextmanager
def progress_bar(chunks: int) -> Iterator[fill.Progress]:
    """A bar for the table that is being filled, on a terminal and where it takes long enough to be read."""
    console = Console(stderr=True)
    if chunks < SHOW_PROGRESS_FROM or not console.is_terminal:
        yield lambda table, rows: None
        return
    sizes = Sizes.for_chunks(chunks)
    columns = (TextColumn("{task.description:<24}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("")
        yield lambda table, rows: bar.update(task, description=table, completed=rows, total=sizes.of(table))
