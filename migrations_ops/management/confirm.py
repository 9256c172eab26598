"""What a person at the terminal is asked before it is done."""

import sys

from rich.prompt import Confirm, Prompt

from vital.cli.base_command import Options
from vital.errors import NoTerminal


def wants_next_phase(options: Options, next_phase: str) -> bool:
    """Whether the person at the terminal wants the next phase; without one the answer is no."""
    if options["json"] or not sys.stdin.isatty():
        return False
    return bool(options["yes"]) or Confirm.ask(f"Go on with {next_phase}?", default=True)


def confirmed(options: Options, what: str, question: str) -> bool:
    """Whether the person at the terminal wants it. Raises NoTerminal without a terminal and --yes."""
    if options["yes"]:
        return True
    if not sys.stdin.isatty():
        raise NoTerminal(what=what)
    return Confirm.ask(question, default=False)


def name_typed(options: Options, what: str, name: str, question: str) -> bool:
    """Whether the person at the terminal types the name. Raises NoTerminal without a terminal and --yes."""
    if options["yes"]:
        return True
    if not sys.stdin.isatty():
        raise NoTerminal(what=what)
    return Prompt.ask(question) == name
