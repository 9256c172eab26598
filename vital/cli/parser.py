"""The parser of every command of ours: no abbreviations, and a word or option that it does not know is never passed
over. It is refused before anything is done, with the verb that has it."""

import re
from argparse import SUPPRESS, Action, Namespace, RawDescriptionHelpFormatter
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, NoReturn

from django.core.management.base import CommandError, CommandParser

from vital.cli.exit_codes import USAGE, fail

WORDS = ""  # in `hints`: for a surplus word
MISSING = "the following arguments are required: "  # argparse's words
NUMBER = re.compile(r"-\d*\.?\d+")
EXAMPLE = re.compile(r"^  (\./manage\.py .+?)(?:   |$)", re.MULTILINE)
# What Django reads of every command; they are not shown.
OF_DJANGO: dict[tuple[str, ...], dict[str, Any]] = {
    ("-v", "--verbosity"): {"type": int, "default": 1, "choices": [0, 1, 2, 3]},
    ("--settings",): {},
    ("--pythonpath",): {},
    ("--traceback",): {"action": "store_true"},
    ("--no-color",): {"action": "store_true"},
    ("--force-color",): {"action": "store_true"},
}


def _with_level(words: Sequence[str]) -> list[str]:
    """-v alone is -v 2; what stands behind it is no level of it but a word of the command."""
    following = [*words, ""][1:]
    return [
        "--verbosity=2" if word == "-v" and not after.isdigit() else word
        for word, after in zip(words, following, strict=True)
    ]


class Parser(CommandParser):
    """Of a command, or of one of its verbs. `hints` say what to use instead of an option that is not there."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs | {"allow_abbrev": False, "formatter_class": RawDescriptionHelpFormatter})
        self.verbs: dict[str, Parser] = {}
        self.siblings: Mapping[str, Parser] = {}
        self.default, self.hints = "", dict[str, str]()
        self._as_json = False
        for names, facts in OF_DJANGO.items():
            self.add_argument(*names, help=SUPPRESS, **facts)

    @property
    def options(self) -> dict[str, Action]:
        """What it knows, by each of its names."""
        return {name: action for action in self._actions for name in action.option_strings}

    def parse_known_args(  # type: ignore[override]  # argparse's overloads are about other classes of namespaces
        self, args: Sequence[str] | None = None, namespace: Namespace | None = None
    ) -> tuple[Namespace, list[str]]:
        given = _with_level(args or ())
        self._as_json = "--json" in given
        given = self._with_verb(given) if self.verbs else self._all_known(given)
        known, surplus = super().parse_known_args(given, namespace)
        if surplus:
            self.error(self._too_much(surplus[0]))
        return known, surplus

    def error(self, message: str) -> NoReturn:
        if message.startswith(MISSING):
            message = f"{self._name} takes {self._words}, and this is missing: {message.removeprefix(MISSING)}"
        stop = "" if message[-1:] in {".", "?"} else "."
        example = EXAMPLE.search(self.epilog or "") if "missing" in message else None
        more = f"As in: {example[1]}" if example else f"See: {self.prog} --help"
        message = f"{message}{stop} Nothing was done. {more}"
        if not self.called_from_command_line:
            raise CommandError(message, returncode=USAGE)
        fail(message, USAGE, as_json=self._as_json)

    def _with_verb(self, given: list[str]) -> list[str]:
        """The verb comes first; options that every verb has may stand before it, and without one it is the default."""
        at, options = 0, self.options
        while at < len(given) and (action := options.get(given[at].partition("=")[0])):
            at += 1 if action.nargs == 0 or "=" in given[at] else 2
        word = given[at] if at < len(given) else ""
        if word in self.verbs:
            return [word, *given[:at], *given[at + 1 :]]
        if word and not word.startswith("-"):
            near = get_close_matches(word, self.verbs, 1)
            mean = f" Did you mean {near[0]}?" if near else f" Its verbs: {', '.join(self.verbs)}"
            self.error(f"{self._name} has no verb {word!r}.{mean}")
        if not word and {"-h", "--help"} & {*given}:
            return given
        if not self.default:
            option = word.partition("=")[0]
            found = f"{self._name} has no {option}. " if option else ""
            having = ", ".join(verb for verb, parser in self.verbs.items() if option in parser.options)
            found += f"{option} belongs to: {having}. " if having else ""
            self.error(f"{found}It needs a verb first: {', '.join(self.verbs)}")
        return [self.default, *given]

    def _all_known(self, given: list[str]) -> list[str]:
        """Asked before argparse reads values: what follows an option of another verb is no word of this one."""
        options = self.options
        for word in given:
            if word == "--":
                break
            if not word or (word.endswith("=") and word[:-1] in options):
                self.error(f"{word[:-1] or 'A word'} is empty: leave it out, or say what it is")
            is_option = len(word) > 1 and word[0] == "-" and " " not in word and not NUMBER.fullmatch(word)
            if is_option and word.partition("=")[0] not in options and word[:2] not in options:
                self.error(self._unknown(word.partition("=")[0]))
        return given

    @property
    def _name(self) -> str:
        return self.prog.rpartition(" ")[2]

    @property
    def _words(self) -> str:
        words = [str(action.metavar or action.dest) for action in self._actions if not action.option_strings]
        return " ".join(words + [name for name in self.options if self.options[name].required]) or "no words"

    def _unknown(self, option: str) -> str:
        having = [verb for verb, parser in self.siblings.items() if option in parser.options]
        known = [name for name, action in self.options.items() if action.help != SUPPRESS]
        near = get_close_matches(option, known, 1)
        said = [f"{self._name} has no {option}."]
        if having:
            said.append(f"{option} belongs to: {', '.join(having)}.")
        if option in self.hints:
            said.append(self.hints[option])
        elif not having:
            said.append(f"Did you mean {near[0]}?" if near else f"It has: {', '.join(known)}")
        return " ".join(said)

    def _too_much(self, word: str) -> str:
        if word in self.siblings:
            return f"{word} is a verb, and comes first: {self.prog.rpartition(' ')[0]} {word}"
        said = f"{self._name} takes {self._words}, and {word} is one word too many"
        return f"{said}. {self.hints[WORDS]}" if WORDS in self.hints else said
