"""What a person at the terminal is asked."""

import sys

from rich.prompt import Confirm, Prompt

from migrations_ops.management.answers import Options
from vital.errors import NoTerminal


def goes_on(options: Options, next_phase: str) -> bool:
    """Whether the person at the terminal wants the next phase; without one the answer is no."""
    if options["json"] or not sys.stdin.isatty():
        return False
    return bool(options["yes"]) or Confirm.ask(f"Go on with {next_phase}?", default=True)


def agrees(options: Options, what: str, question: str) -> bool:
    """Whether the person at the terminal wants it. Raises NobodyToAsk without a terminal and --yes."""
    if options["yes"]:
        return True
    if not sys.stdin.isatty():
        raise NoTerminal(what=what)
    return Confirm.ask(question, default=False)


def names_it(options: Options, what: str, name: str, question: str) -> bool:
    """Whether the person at the terminal types the name. Raises NobodyToAsk without a terminal and --yes."""
    if options["yes"]:
        return True
    if not sys.stdin.isatty():
        raise NoTerminal(what=what)
    return Prompt.ask(question) == name
