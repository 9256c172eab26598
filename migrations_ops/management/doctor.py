"""The face of `doctor`: a line for each thing looked at, and what to do about it."""

from rich.console import Console

from migrations_ops.diagnostics import service as diagnostics
from migrations_ops.management.answers import DONE, FAILED, Answer, Options

MARKS = {"ok": "[green]ok  [/]", "warn": "[yellow]warn[/]", "fail": "[red]FAIL[/]"}


def doctor(options: Options, console: Console) -> Answer:
    signs = diagnostics.examine()
    for sign in signs:
        console.print(f"{MARKS[sign.state]} {sign.name}: ", end="")
        console.print(sign.seen, markup=False, highlight=False)
        if sign.fix:
            console.print(f"       {sign.fix}", markup=False, highlight=False)
    counts = {state: sum(sign.state == state for sign in signs) for state in MARKS}
    console.print(f"\n{counts['ok']} ok, {counts['warn']} warnings, {counts['fail']} failures.")
    return {"signs": [sign.document() for sign in signs]} | counts, FAILED if counts["fail"] else DONE
