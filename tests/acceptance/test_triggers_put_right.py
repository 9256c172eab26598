"""A trigger that PostgreSQL lets nobody make again stays as it is, and changes nothing as rows get their tenant."""

from pathlib import Path

import psycopg
import pytest

from tests.acceptance.test_what_an_update_would_meet import GENERATED, SHOP, WHOLE_ROW
from tests.support.command_results import Manage, said
from tests.support.database_state import dump_platform
from tests.support.databases import OWNER, Scratch, rows

pytestmark = pytest.mark.slow

KEPT = {
    "the whole new row": [WHOLE_ROW, GENERATED],
    "the same, always": [WHOLE_ROW, GENERATED, "ALTER TABLE items ENABLE ALWAYS TRIGGER bump"],
    "no right to its function": [
        "CREATE TRIGGER bump BEFORE UPDATE ON items FOR EACH ROW EXECUTE FUNCTION bump()",
        f"REVOKE EXECUTE ON FUNCTION bump() FROM PUBLIC, {OWNER}",
    ],
}


@pytest.mark.parametrize("what", KEPT)
def test_nothing_but_the_tenant_changes_and_the_undo_is_exact(
    what: str, empty: Scratch, manage: Manage, tmp_path: Path
) -> None:
    for statement in [*SHOP, *KEPT[what]]:
        rows(empty.owner_url, statement)
    plan, before = str(tmp_path / "plan.toml"), dump_platform(empty)
    for words in (["init-plan", "--out", plan], ["run", "--yes", "--plan", plan]):
        done = manage(empty, "migrate_tenants", *words)
        assert done.returncode == 0, said(done)

    assert rows(empty.admin_url, "SELECT count(tenant_id), max(version) FROM items") == [(3, 1)]
    with psycopg.connect(empty.owner_url) as connection:
        changed = connection.execute("UPDATE items SET sku = 'b' WHERE id = 1 RETURNING sku, version").fetchone()
        connection.rollback()
    assert changed == ("b", 2), "it fires for others"
    undone = manage(empty, "migrate_tenants", "undo", "--yes", "--plan", plan)

    assert undone.returncode == 0, said(undone)
    assert dump_platform(empty) == before
