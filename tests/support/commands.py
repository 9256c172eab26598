"""VITAL's commands and their verbs, as their argument parsers define them."""

from argparse import SUPPRESS, Action
from functools import cache
from typing import Any

import pytest
from django.core.management import get_commands, load_command_class
from django.core.management.base import CommandError

from tests.support.source import PACKAGES
from vital.cli.parser import Parser

OURS = {name: app for name, app in get_commands().items() if app in PACKAGES}


@cache
def parser_of(command: str) -> Parser:
    parser = load_command_class(str(OURS[command]), command).create_parser("manage.py", command)
    assert isinstance(parser, Parser)
    return parser


def with_verbs() -> list[str]:
    return [command for command in sorted(OURS) if parser_of(command).verbs]


def every_verb() -> list[tuple[str, str]]:
    """(command, verb) of all; a command without verbs has the verb ''."""
    return [(command, verb) for command in sorted(OURS) for verb in parser_of(command).verbs or ("",)]


def verb_of(command: str, verb: str) -> Parser:
    return parser_of(command).verbs[verb] if verb else parser_of(command)


def options_of(parser: Parser) -> dict[str, Action]:
    """The options that its help shows, but for --help."""
    return {
        name: action
        for name, action in parser.options.items()
        if name.startswith("--") and name != "--help" and action.help != SUPPRESS
    }


def words_of(parser: Parser) -> list[str]:
    """A word for each that it wants."""
    found: list[str] = []
    for action in parser._actions:
        if not action.option_strings and action.nargs not in ("*", "?"):
            found.append("7")
    for name, action in options_of(parser).items():
        if action.required:
            found += [name, str(next(iter(action.choices))) if action.choices else "7"]
    return found


def given(option: str, action: Action) -> list[str]:
    """The option with a value that it takes."""
    value: Any = next(iter(action.choices)) if action.choices else "1"
    return [option] if action.nargs == 0 else [option, str(value)]


def refusal(command: str, *words: str) -> str:
    """What the command's parser refuses these words for. It has done nothing: it only reads."""
    with pytest.raises(CommandError) as refused:
        parser_of(command).parse_args([*words])
    assert refused.value.returncode == 2
    return str(refused.value)
