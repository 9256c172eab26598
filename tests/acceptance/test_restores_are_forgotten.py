"""What restores remember is personal data: it is counted, purged once it is undone, and rid of a person's row."""

import json

import pytest

from tests.support import restores
from tests.support.command_results import Manage, said
from tests.support.databases import Scratch, rows
from tests.support.queries import scalar
from tests.support.restores import MINE, WHY, BackedUp, owned

pytestmark = pytest.mark.slow


def test_a_deleted_row_is_forgotten_and_the_rest_still_goes_back(
    backed_up: BackedUp, restorable: Scratch, manage: Manage
) -> None:
    rows(restorable.admin_url, f"UPDATE messages SET content = 'gone' WHERE {MINE}")
    before = owned(restorable)
    done = restores.restore(restorable, manage, backed_up.file, "--yes", *WHY)
    key = scalar(restorable, f"SELECT min(id::text) FROM messages WHERE {MINE}")
    rows(restorable.admin_url, "DELETE FROM messages WHERE id = %s", [key])

    forgot = manage(restorable, "ledger", "forget", "messages", key, *WHY, "--json")

    assert forgot.returncode == 0, said(forgot)
    assert json.loads(forgot.stdout)["entries"] >= 1
    assert scalar(restorable, "SELECT count(*) FROM vital.restore_entry AS e WHERE e::text LIKE %s", f"%{key}%") == 0
    undone = restores.undo(restorable, manage, done["run"])
    assert undone["rows"] == {"messages": 199}
    left = {table: [line for line in lines if key not in line] for table, lines in before.items()}
    assert owned(restorable) == left

    rows(restorable.admin_url, "UPDATE vital.restore_entry SET undone_at = now() - interval '9 days'")
    purged = manage(restorable, "ledger", "purge", "--undone-before", "7", *WHY)
    assert purged.returncode == 0, said(purged)
    assert scalar(restorable, "SELECT count(*) FROM vital.restore_entry") == 0


def test_what_a_restore_writes_is_none_of_the_migrations(
    backed_up: BackedUp, restorable: Scratch, manage: Manage
) -> None:
    """In the ledger they would go back, or be removed, with a phase."""
    rows(restorable.admin_url, f"DELETE FROM messages WHERE {MINE}")
    restores.restore(restorable, manage, backed_up.file, "--yes", *WHY)

    assert scalar(restorable, f"SELECT count(*) FROM messages WHERE {MINE}") == 200
    assert scalar(restorable, "SELECT count(*) FROM vital.ledger WHERE phase LIKE 'restore%'") == 0
