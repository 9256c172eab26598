"""The reference of commands says of each option which verbs have it, as their parsers do."""

import re

from tests.support.commands import options_of, parser_of, with_verbs
from tests.support.paths import ROOT
from vital.cli.command_line import INSTEAD

PAGE = (ROOT / "docs" / "reference" / "command.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
ROW = re.compile(r"^\| (`--[^|]+) \| ([^|]+) \| [^|]+ \|$", re.MULTILINE)
OPTION = re.compile(r"--[a-z][a-z-]*")
CALL = re.compile(r"manage\.py (\w+)((?: [^\n`#|&;>]+)?)")


def test_each_option_is_said_to_be_of_the_verbs_that_have_it() -> None:
    verbs = parser_of("migrate_tenants").verbs
    said: dict[str, set[str]] = {}
    for options, names in ROW.findall(PAGE):
        for option in OPTION.findall(options):
            said.setdefault(option, set()).update(verbs if names == "all" else names.split(", "))
    had = {
        option: {verb for verb, other in verbs.items() if option in options_of(other)}
        for parser in verbs.values()
        for option in options_of(parser)
    }

    assert said == had


def test_the_other_commands_options_are_in_the_reference() -> None:
    for command in with_verbs():
        missing = [
            option
            for parser in parser_of(command).verbs.values()
            for option in options_of(parser)
            if f"`{option}" not in PAGE
        ]
        assert not missing, f"{command}: {missing}"
        assert all(f"`{verb}" in PAGE or f"|{verb}" in PAGE for verb in parser_of(command).verbs), command


def test_every_command_that_is_refused_is_in_the_reference() -> None:
    assert not [name for name in INSTEAD if f"`{name}`" not in PAGE]


def test_what_the_pages_call_has_the_options_that_they_give() -> None:
    wrong, looked_at = [], 0
    for page in PAGES:
        for command, words in CALL.findall(page.read_text(encoding="utf-8")):
            if command not in with_verbs():
                continue
            parser = parser_of(command)
            verb = next((word for word in words.split() if word in parser.verbs), parser.default)
            looked_at += 1
            known = parser.verbs[verb].options if verb else {}
            wrong += [f"{page.name}: {command} {verb} {one}" for one in OPTION.findall(words) if one not in known]
    assert looked_at > 50
    assert not wrong
