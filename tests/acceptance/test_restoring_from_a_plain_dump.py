"""A dump that somebody made without VITAL serves as well, of all tables or of some."""

from pathlib import Path

import pytest

from tests.support import restores
from tests.support.command_results import Manage, document, said
from tests.support.databases import Scratch, rows
from tests.support.restores import MINE, WHY, by_name, others, owned

pytestmark = pytest.mark.slow


def test_of_all_tables(restorable: Scratch, manage: Manage, tmp_path: Path) -> None:
    then, file = owned(restorable), tmp_path / "plain.dump"
    restores.plain_backup(restorable, file)
    for table in ("agents", "users", "prompts", "knowledge_sources"):
        rows(restorable.admin_url, f"DELETE FROM {table} WHERE {MINE}")
    damaged, around = owned(restorable), others(restorable)

    done = restores.restore(restorable, manage, file, "--yes", *WHY)

    assert (done["status"], done["backup"]["taken_at"]) == ("restored", None)
    assert owned(restorable) == then
    assert others(restorable) == around
    restores.undo(restorable, manage, done["run"])
    assert owned(restorable) == damaged


def test_of_some_tables_and_in_ways_that_do_not_serve(restorable: Scratch, manage: Manage, tmp_path: Path) -> None:
    some, empty, inserts = tmp_path / "some.dump", tmp_path / "empty.dump", tmp_path / "inserts.dump"
    restores.plain_backup(restorable, some, "--table=prompts")
    restores.plain_backup(restorable, empty, "--exclude-table-data=prompts")
    restores.plain_backup(restorable, inserts, "--inserts", "--table=prompts")
    before = owned(restorable)

    found = restores.restore(restorable, manage, some, "--delete-added")

    assert list(by_name(found)) == ["prompts"]
    assert found["not_compared"]["tools"] == "it is not in the backup"
    without = restores.restore(restorable, manage, empty, "--delete-added")
    assert without["not_compared"] == {"prompts": "the backup has it without all of its rows"}
    done = manage(restorable, "tenants", "restore", "pharma", "--from", str(inserts), "--yes", *WHY, "--json")
    assert (done.returncode, "without --inserts" in document(done)["error"]) == (2, True), said(done)
    assert owned(restorable) == before
