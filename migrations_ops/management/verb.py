"""A verb: its name, its line of help, its own options, and its act. A command with verbs is a list of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from keyword import iskeyword
from pathlib import Path

from django.conf import settings
from django.core.management.base import CommandParser
from rich.console import Console

from migrations_ops.rules import service as rules
from vital.cli.base_command import Options, VitalCommand
from vital.cli.exit_codes import Answer
from vital.cli.parser import Parser

Arguments = Callable[[Parser], None]


def nothing(parser: Parser) -> None:
    """A verb without options of its own."""


def verbs_of(command: str, *names: str) -> tuple["Verb", ...]:
    """The command's verbs in this order: each is the VERB of the module with its name, in the folder verbs/COMMAND."""
    folder = f"migrations_ops.management.verbs.{command}"
    modules = [name.replace("-", "_") + "_" * iskeyword(name) for name in names]
    return tuple(import_module(f"{folder}.{module}").VERB for module in modules)


@dataclass(frozen=True)
class Verb:
    """`hints` say what to use instead of an option of another verb, or of a word (parsing.WORDS) that is too much."""

    name: str
    help: str
    act: Callable[[Options, Console], Answer]
    arguments: Arguments = nothing
    examples: str = ""
    hints: Mapping[str, str] = field(default_factory=dict)


class VerbCommand(VitalCommand):
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

    def head(self, options: Options) -> dict[str, str]:
        return {"verb": options["verb"]}

    def act(self, options: Options, console: Console) -> Answer:
        if options.get("plan"):
            rules.name_plan(Path(options["plan"]))
        if options.get("no_backup"):
            settings.BACKUP = False
        (verb,) = (verb for verb in self.verbs if verb.name == options["verb"])
        return verb.act(options, console)
