"""`./manage.py --help` begins with VITAL's commands, and what Django and django-tenants bring and would harm a database
whose tenants share their tables is refused with what to use instead."""

import json
import re

import pytest
from django.core.management import get_commands

from tests.support.command_results import Manage, said
from tests.support.commands import OURS
from tests.support.database_state import dump_with_vital
from tests.support.databases import Scratch
from vital.cli.command_line import GROUPS, INSTEAD

HARMLESS = {  # they read, or write files of a developer's
    *("clearsessions", "collectstatic", "compilemessages", "createcachetable", "dbshell", "diffsettings", "findstatic"),
    *("makemessages", "makemigrations", "optimizemigration", "remove_stale_contenttypes", "sendtestemail", "shell"),
    *(
        "showmigrations",
        "spectacular",
        "sqlmigrate",
        "sqlsequencereset",
        "squashmigrations",
        "startapp",
        "startproject",
    ),
}
GROUPED = {name for names in GROUPS.values() for name in names}


def test_every_command_was_looked_at() -> None:
    assert set(get_commands()) == GROUPED | set(INSTEAD) | HARMLESS, "Is it harmless on a pooled database?"
    assert set(OURS) <= GROUPED


def test_what_is_to_be_used_instead_is_there() -> None:
    for name, (_, instead) in INSTEAD.items():
        first = re.match(r"[a-z_]+", instead)
        assert first, name
        assert first[0] in GROUPED | HARMLESS | {"make", "no", "the"}, name


def test_the_help_begins_with_ours(manage: Manage) -> None:
    done = manage("postgresql://nobody:nothing@127.0.0.1:1/nowhere", "--help")

    assert done.returncode == 0, said(done)
    names = re.findall(r"^  ([a-z_]+)", done.stdout, re.MULTILINE)
    assert names[0] == "migrate_tenants"
    assert set(OURS) <= set(names[: len(GROUPED)]) == GROUPED
    assert set(names) == GROUPED | HARMLESS
    assert all(re.search(rf"^  {name} +\S+", done.stdout, re.MULTILINE) for name in GROUPED)


WRONG = [
    *((name, "--noinput") for name in sorted(INSTEAD)),
    ("help", "flush"),
    ("migrate", "migrations_ops", "zero"),
    ("migrate", "--fake"),
    ("migrate", "--prune"),
    ("migrate", "--schema", "pharma"),
    ("tenant", "list"),
]


@pytest.mark.slow
def test_what_would_harm_is_refused_and_harms_nothing(migrated_template: Scratch, manage: Manage) -> None:
    before = dump_with_vital(migrated_template)
    for words in WRONG:
        done = manage(migrated_template, *words)
        assert (done.returncode, done.stdout) == (2, ""), said(done)
        assert re.fullmatch(r"error: [^\n]+\n", done.stderr), said(done)
        assert "Nothing was done." in done.stderr
    assert dump_with_vital(migrated_template) == before
    machine = manage(migrated_template, "flush", "--json")
    assert json.loads(machine.stdout).keys() == {"exit_code", "error"}, said(machine)


@pytest.mark.slow
@pytest.mark.parametrize("words", [("--check",), ("--verbosity", "0"), ("-v0", "--noinput"), ("--help",)])
def test_migrate_goes_forward(words: tuple[str, ...], migrated_template: Scratch, manage: Manage) -> None:
    done = manage(migrated_template, "migrate", *words)
    assert done.returncode == 0, said(done)
