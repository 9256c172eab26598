"""A line for each thing that doctor has looked at, and what to do about it."""

from collections.abc import Sequence

from rich.console import Console

from migrations_ops.diagnostics.service import Result

MARKS = {"ok": "[green]ok  [/]", "warn": "[yellow]warn[/]", "fail": "[red]FAIL[/]"}


def show_signs(console: Console, signs: Sequence[Result]) -> None:
    for sign in signs:
        console.print(f"{MARKS[sign.state]} {sign.name}: ", end="")
        console.print(sign.seen, markup=False, highlight=False)
        if sign.fix:
            console.print(f"       {sign.fix}", markup=False, highlight=False)
    counts = counted(signs)
    console.print(f"\n{counts['ok']} ok, {counts['warn']} warnings, {counts['fail']} failures.")


def counted(signs: Sequence[Result]) -> dict[str, int]:
    return {state: sum(sign.state == state for sign in signs) for state in MARKS}
