"""A verb does what it is told, or nothing: an option of another verb, a surplus word or a shortened name is refused
with exit 2, and the message says where it belongs. `undo --only 002` undoes no phase."""

import json
import re
from pathlib import Path

import pytest

from tests.support import commands
from tests.support.command_results import Manage, said
from tests.support.commands import every_verb, given, options_of, parser_of, refusal, verb_of, words_of
from tests.support.database_state import dump_with_vital
from tests.support.databases import Scratch

pytestmark = pytest.mark.slow

VERBS = every_verb()


def name(case: object) -> str:
    return " ".join(part for part in case if part) if isinstance(case, tuple) else str(case)


@pytest.mark.parametrize("place", VERBS, ids=name)
def test_what_it_takes_it_takes(place: tuple[str, str]) -> None:
    """Else the refusals below would prove nothing."""
    command, verb = place
    read = parser_of(command).parse_args([*filter(None, [verb]), *words_of(verb_of(command, verb))])
    assert getattr(read, "verb", "") == verb


@pytest.mark.parametrize("command", commands.with_verbs())
def test_an_option_of_another_verb_is_refused_with_the_verbs_that_have_it(command: str) -> None:
    verbs = parser_of(command).verbs
    tried = 0
    for verb, parser in verbs.items():
        for other in verbs.values():
            for option, action in options_of(other).items():
                if option in options_of(parser):
                    continue
                having = ", ".join(name for name, one in verbs.items() if option in options_of(one))
                for words in ([*words_of(parser), *given(option, action)], [*given(option, action), *words_of(parser)]):
                    message = refusal(command, verb, *words)
                    assert f"{verb} has no {option}. {option} belongs to: {having}." in message
                    tried += 1
    assert tried


@pytest.mark.parametrize("place", VERBS, ids=name)
def test_an_option_that_nobody_has_and_a_surplus_word_are_refused(place: tuple[str, str]) -> None:
    command, verb = place
    parser = verb_of(command, verb)
    start = [*filter(None, [verb]), *words_of(parser)]

    assert "has no --nonsense" in refusal(command, *start, "--nonsense", "x")
    assert "has no --nonsense" in refusal(command, "--nonsense=x", *start)
    if not any(action.nargs in ("*", "+") for action in parser._actions if not action.option_strings):
        optional = [action for action in parser._actions if not action.option_strings and action.nargs == "?"]
        message = refusal(command, *start, *(["7"] * len(optional)), "now")
        assert "now is one word too many" in message


@pytest.mark.parametrize("place", VERBS, ids=name)
def test_nothing_is_abbreviated_and_nothing_is_empty(place: tuple[str, str]) -> None:
    command, verb = place
    parser = verb_of(command, verb)
    start = [*filter(None, [verb]), *words_of(parser)]

    for option, action in options_of(parser).items():
        if option[:-1] not in parser.options:
            message = refusal(command, *start, option[:-1], *given(option, action)[1:])
            assert f"has no {option[:-1]}" in message
        if action.nargs != 0:
            assert "is empty" in refusal(command, *start, option, "")
            assert f"{option} is empty" in refusal(command, *start, f"{option}=")


@pytest.mark.parametrize("command", commands.with_verbs())
def test_a_verb_comes_first_but_for_the_options_of_all(command: str) -> None:
    parser = parser_of(command)
    verb, *others = parser.verbs
    words = words_of(parser.verbs[verb])

    for option, action in options_of(parser).items():
        assert parser.parse_args([*given(option, action), verb, *words]).verb == verb
    assert f"{others[0]} is a verb, and comes first" in refusal(command, verb, *words, others[0])
    assert f"Did you mean {verb}?" in refusal(command, verb + verb[-1])
    assert "has no verb 'nonsense'" in refusal(command, "nonsense")


def test_without_a_verb_it_is_a_run() -> None:
    read = parser_of("migrate_tenants").parse_args(["--only", "004", "--yes"])
    assert (read.verb, read.only, read.yes) == ("run", "004", True)


@pytest.mark.parametrize("words", [("-v", "status"), ("status", "-v"), ("-v", "2", "status"), ("status", "-v2")])
def test_more_detail_is_asked_for_with_or_without_a_level(words: tuple[str, ...]) -> None:
    read = parser_of("migrate_tenants").parse_args(words)
    assert (read.verb, read.verbosity) == ("status", 2)


@pytest.mark.parametrize("option", ["--only", "--from", "--to"])
def test_an_undo_is_told_how_phases_are_undone(option: str) -> None:
    assert "--phase 004 undoes 004 and every later one" in refusal("migrate_tenants", "undo", option, "002")
    assert "--phase 004 undoes 004 and every later one" in refusal("migrate_tenants", "undo", "002")


# --- nothing is changed ---

DANGEROUS = [
    ("migrate_tenants", "undo", "--only", "002", "--yes"),
    ("migrate_tenants", "undo", "002", "--yes"),
    ("migrate_tenants", "undo", "--dry", "--yes"),
    ("migrate_tenants", "undo", "--phase", "", "--yes"),
    ("migrate_tenants", "--csv", "x", "--yes"),
    ("migrate_tenants", "--only", "004", "--from", "002", "--yes"),
    ("migrate_tenants", "--dry-run", "--background"),
    ("migrate_tenants", "--dry-run", "undo", "--yes"),
    ("migrate_tenants", "cancel", "--dry-run"),
    ("migrate_tenants", "disarm", "--dry-run", "--yes", "--reason", "x"),
    ("migrate_tenants", "decide", "users", "7", "--withdraw", "--dry-run", "--reason", "x", "--yes"),
    ("migrate_tenants", "tune", "wal_rate=1MB", "--dry-run"),
    ("tenants", "suspend", "pharma", "--dry-run", "--reason", "x", "--yes"),
    ("tenants", "set", "pharma", "name=x", "--dry-run", "--reason", "x"),
    ("tenants", "suspend", "pharma", "digital-health", "--reason", "x", "--yes"),
    ("ledger", "--undone-before", "0", "--reason", "x"),
    ("maintenance", "off", "now"),
    ("restore", "x.dump", "--replace", "--yes", "--dry-run"),
    ("create_login", "vital_test_stranger", "--dry-run"),
]


@pytest.mark.parametrize("words", DANGEROUS, ids=" ".join)
def test_what_is_refused_has_changed_nothing(
    words: tuple[str, ...], migrated_template: Scratch, manage: Manage, tmp_path: Path
) -> None:
    """Everything that is in the database, VITAL's own tables as well, byte for byte."""
    before = dump_with_vital(migrated_template)
    done = manage(migrated_template, *words, cwd=tmp_path)

    assert (done.returncode, done.stdout) == (2, ""), said(done)
    assert re.fullmatch(r"error: [^\n]+\n", done.stderr), said(done)
    assert dump_with_vital(migrated_template) == before
    assert not list(tmp_path.iterdir()), "no log either"


@pytest.mark.parametrize("words", [("migrate_tenants", "pause", "--csv", "x"), ("worker", "now"), ("tenants", "shwo")])
def test_a_machine_is_told_in_one_document(words: tuple[str, ...], migrated_template: Scratch, manage: Manage) -> None:
    done = manage(migrated_template, *words, "--json")

    assert done.returncode == 2, said(done)
    assert json.loads(done.stdout).keys() == {"exit_code", "error"}
    assert done.stderr == ""
