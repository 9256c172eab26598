"""Without the citus extension distributions and placements are refused in one sentence, and nothing changes."""

import pytest

from tests.support import databases
from tests.support.command_results import Manage, said
from tests.support.databases import Scratch

PLACE = ("tenants", "place", "pharma")
CALLS = [
    *(("distribute", *words) for words in ((), ("--yes",), ("--undo", "--yes"))),
    *((*PLACE, *words) for words in ((), ("--yes", "--reason", "x"), ("--undo", "--yes", "--reason", "x"))),
]


@pytest.mark.parametrize("words", CALLS, ids=" ".join)
def test_without_the_extension_it_says_so_in_one_sentence(
    migrated_template: Scratch, manage: Manage, words: tuple[str, ...]
) -> None:
    before = databases.dump(migrated_template.admin_url)

    done = manage(migrated_template, *words)

    assert (done.returncode, done.stdout) == (2, ""), said(done)
    (line,) = done.stderr.strip().splitlines()
    assert "no citus extension" in line
    assert "docs/how-to/citus.md" in line
    assert databases.dump(migrated_template.admin_url) == before


def test_an_undo_asks_for_yes(migrated_template: Scratch, manage: Manage) -> None:
    done = manage(migrated_template, "distribute", "--undo")

    assert (done.returncode, "--yes" in done.stderr) == (2, True), said(done)
