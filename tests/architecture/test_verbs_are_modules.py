"""A verb is one module with the verb's name, in the folder of its command; errors leave every command by one way."""

import ast
import re
from keyword import iskeyword

import pytest
from django.core.management import load_command_class

from migrations_ops.management.verb import Verb, VerbCommand
from tests.support.commands import OURS, with_verbs
from tests.support.paths import ROOT
from tests.support.source import modules
from vital.cli.base_command import VitalCommand

MANAGEMENT = ROOT / "migrations_ops" / "management"
LOOSE = {"arguments", "background", "confirm", "helper_processes", "verb"}


def module_of(verb: str) -> str:
    return verb.replace("-", "_") + "_" * iskeyword(verb)


def verbs_of(command: str) -> tuple[Verb, ...]:
    found = load_command_class(str(OURS[command]), command)
    assert isinstance(found, VerbCommand)
    return found.verbs


@pytest.mark.parametrize("command", with_verbs())
def test_each_verb_is_the_module_of_its_name_and_each_module_is_a_verb(command: str) -> None:
    files = {file.stem for file in (MANAGEMENT / "verbs" / command).glob("[a-z]*.py")}

    assert files == {module_of(verb.name) for verb in verbs_of(command)}
    for verb in verbs_of(command):
        assert verb.act.__module__ == f"migrations_ops.management.verbs.{command}.{module_of(verb.name)}"


def test_every_folder_of_verbs_is_a_command_s() -> None:
    folders = {folder.name for folder in (MANAGEMENT / "verbs").iterdir() if (folder / "__init__.py").is_file()}

    assert folders == set(with_verbs())


def test_management_has_few_loose_modules() -> None:
    assert {file.stem for file in MANAGEMENT.glob("[a-z]*.py")} == LOOSE, (
        "A verb, an output or a command has its folder"
    )


@pytest.mark.parametrize("command", sorted(OURS))
def test_every_command_ends_by_the_one_way(command: str) -> None:
    found = load_command_class(str(OURS[command]), command)

    assert isinstance(found, VitalCommand)
    assert type(found).handle is VitalCommand.handle, "`act` does it; `handle` turns its errors into exit codes"
    assert type(found).create_parser is VitalCommand.create_parser


def test_exit_codes_are_said_in_one_place() -> None:
    """Nothing but exit_codes.py and its base command ends a process of a command, or prints its error."""
    ending = []
    for module in modules():
        if "/management/" in module.path and re.search(r"\bsys\.exit\(|print\(\"error", module.text):
            ending.append(module.path)
    assert ending == []

    names = ("DONE", "FAILED", "USAGE", "STOPPED")
    defining = [module.path for module in modules() if set(names) <= _assigned(module.tree)]
    assert defining == ["vital/cli/exit_codes.py"]


def _assigned(tree: ast.Module) -> set[str]:
    return {
        name.id
        for statement in tree.body
        if isinstance(statement, ast.Assign)
        for target in statement.targets
        for name in ast.walk(target)
        if isinstance(name, ast.Name)
    }
