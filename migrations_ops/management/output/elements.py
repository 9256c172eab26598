"""What outputs are made of: a plain table, a list that is cut off, a line about what is done or waited for."""

from collections.abc import Callable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text


def grid(*columns: str, left: int = 1, no_wrap: bool = False) -> Table:
    """Without lines: the first `left` columns are texts, the others figures."""
    made = Table(box=None, pad_edge=False, header_style="dim")
    for number, name in enumerate(columns):
        made.add_column(name, justify="left" if number < left else "right", no_wrap=no_wrap)
    return made


def need_a_decision(rows: int) -> str:
    return "1 row needs a decision" if rows == 1 else f"{rows:,} rows need a decision"


def listed(
    console: Console, lines: Sequence[str], *, shown: int = 20, indent: int = 2, rest: str = "--json lists them"
) -> None:
    """The first of them, and how to see the rest."""
    for line in lines[:shown]:
        console.print(Text(" " * indent + line))
    if len(lines) > shown:
        console.print(Text(f"{' ' * indent}… and {len(lines) - shown:,} more ({rest})"))


def progress(console: Console) -> Callable[[str], None]:
    """Says a line for each part of what is done."""
    return lambda text: console.print(f"  {text}", style="dim", markup=False, highlight=False)


def waiting(console: Console) -> Callable[[str], None]:
    """Says what is waited for."""

    def said(why: str) -> None:
        if why:
            console.print(f"waits for {why}", markup=False, highlight=False)

    return said
