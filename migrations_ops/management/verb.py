"""A verb: its name, its line of help, its own options, and its act. A command with verbs is a list of them."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.core.management.base import CommandParser
from rich.console import Console

from migrations_ops.management import face
from migrations_ops.management.answers import Answer, Options
from tenants.management.base_command import Documented
from tenants.parsing import Parser

Arguments = Callable[[Parser], None]


def nothing(parser: Parser) -> None:
    """A verb without options of its own."""


@dataclass(frozen=True)
class Verb:
    """`hints` say what to use instead of an option of another verb, or of a word (parsing.WORDS) that is too much."""

    name: str
    help: str
    act: Callable[[Options, Console], Answer]
    arguments: Arguments = nothing
    examples: str = ""
    hints: Mapping[str, str] = field(default_factory=dict)


class VerbCommand(Documented):
    """Each verb has a parser of its own; `common` are the options of all of them, which may stand before the verb."""

    verbs: tuple[Verb, ...] = ()
    default = ""
    common: Arguments = staticmethod(nothing)

    def add_arguments(self, parser: CommandParser) -> None:
        assert isinstance(parser, Parser)
        self.common(parser)
        self.add_report_arguments(parser)
        means = f"without one: {self.default}" if self.default else None
        group = parser.add_subparsers(dest="verb", metavar="VERB", title="verbs", description=means, prog=parser.prog)
        for verb in self.verbs:
            examples = f"examples:{verb.examples.rstrip()}" if verb.examples else None
            one: Parser = group.add_parser(
                verb.name, help=verb.help, description=verb.help[0].upper() + verb.help[1:] + ".", epilog=examples
            )
            verb.arguments(one)
            self.common(one)
            self.add_report_arguments(one)
            one.hints, one.siblings = dict(verb.hints), parser.verbs
            parser.verbs[verb.name] = one
        parser.default = self.default

    def handle(self, *args: Any, **options: Any) -> None:
        (verb,) = (verb for verb in self.verbs if verb.name == options["verb"])
        sys.exit(face.answer(verb.act, options))
