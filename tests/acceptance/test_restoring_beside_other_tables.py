"""Tables that the plan does not know refer to rows of a restore, and keys that only partitions have."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import databases, restores
from tests.support.command_results import Manage, said
from tests.support.databases import Scratch, rows
from tests.support.paths import ROOT
from tests.support.queries import scalar
from tests.support.restores import WHY, by_name, others, owned

pytestmark = pytest.mark.slow

SUPPORT = ROOT / "tests" / "support"
NORTH = "0cf4bf3d-a479-5223-bc8f-ec6797deac19"
MINE = f"tenant_id = '{NORTH}'"
ADD = f"""INSERT INTO orders (id, store_id, country, sku, tenant_id)
    SELECT 100 + n, store_id, 'AT', 'new ' || n, tenant_id
    FROM generate_series(1, 3) AS n, (SELECT store_id, tenant_id FROM orders WHERE {MINE} LIMIT 1) AS one"""
AGAIN = "then restore again"
REFERS = "by order_id (receipts_order_id_fkey)"


@pytest.fixture(scope="module")
def isolated_market(server_url: str, manage: Manage) -> Iterator[Scratch]:
    scratch = databases.create_empty(server_url)
    rows(scratch.owner_url, (SUPPORT / "market.sql").read_text(encoding="utf-8"))
    done = manage(scratch, "migrate_tenants", "--yes", "--no-backup", "--plan", str(SUPPORT / "market.toml"))
    assert done.returncode == 0, said(done)
    yield scratch
    databases.drop(scratch)


@pytest.fixture
def market(isolated_market: Scratch) -> Iterator[Scratch]:
    copy = databases.clone_with_grants(isolated_market)
    yield copy
    databases.drop(copy)


def receipts(market: Scratch, action: str, *, owner: bool = True) -> None:
    """A table outside of the plan that VITAL's roles may not read."""
    rows(market.admin_url, f"CREATE TABLE receipts (order_id bigint REFERENCES orders {action})")
    if owner:
        rows(market.admin_url, "ALTER TABLE receipts OWNER TO vital_test_owner")


@pytest.mark.parametrize("action", ["", "ON DELETE CASCADE", "ON DELETE SET NULL"])
def test_a_hidden_table_holds_the_row_that_it_refers_to(
    action: str, market: Scratch, manage: Manage, tmp_path: Path
) -> None:
    file = tmp_path / "market.dump"
    restores.plain_backup(market, file)
    then = owned(market, NORTH)
    rows(market.admin_url, ADD)
    receipts(market, action)
    rows(market.admin_url, "INSERT INTO receipts VALUES (102), (102), (103)")
    damaged, around = owned(market, NORTH), others(market, NORTH)

    shown = restores.restore(market, manage, file, "--delete-added", tenant="north")
    done = restores.restore(market, manage, file, "--delete-added", "--yes", *WHY, code=1, tenant="north")

    for answer in (shown, done):
        said_of = {one["reason"]: one["keys"] for one in by_name(answer)["orders"]["not_restored"]}
        assert said_of == {
            f"1 row of receipts refers to it {REFERS}: delete it or let it refer elsewhere, {AGAIN}": ["103"],
            f"2 rows of receipts refer to it {REFERS}: delete them or let them refer elsewhere, {AGAIN}": ["102"],
        }
    assert done["rows"]["public.orders"]["delete"] == 1
    assert scalar(market, "SELECT count(order_id) FROM receipts") == 3
    assert others(market, NORTH) == around
    restores.undo(market, manage, done["run"])
    assert owned(market, NORTH) == damaged

    rows(market.admin_url, "DELETE FROM receipts")
    restores.restore(market, manage, file, "--delete-added", "--yes", *WHY, tenant="north")
    assert owned(market, NORTH) == then


@pytest.mark.parametrize("schema", ["public", "apart"])
def test_of_a_table_that_the_login_may_not_read_the_truth_is_said(
    schema: str, market: Scratch, manage: Manage, tmp_path: Path
) -> None:
    file = tmp_path / "market.dump"
    restores.plain_backup(market, file)
    rows(market.admin_url, ADD)
    receipts(market, "ON DELETE CASCADE", owner=False)
    rows(market.admin_url, f"CREATE SCHEMA IF NOT EXISTS {schema}; ALTER TABLE receipts SET SCHEMA {schema}")

    done = restores.restore(market, manage, file, "--delete-added", tenant="north")

    [left] = by_name(done)["orders"]["not_restored"]
    assert left["rows"] == 3
    name = "receipts" if schema == "public" else "apart.receipts"
    assert left["reason"].startswith(f"{name} may refer to it {REFERS[:-1]}, ON DELETE CASCADE)")


def test_an_undo_keeps_only_what_a_hidden_table_refers_to(market: Scratch, manage: Manage, tmp_path: Path) -> None:
    rows(market.admin_url, ADD)
    file = tmp_path / "market.dump"
    restores.plain_backup(market, file)
    rows(market.admin_url, "DELETE FROM orders WHERE id > 100")
    receipts(market, "ON DELETE CASCADE")
    done = restores.restore(market, manage, file, "--yes", *WHY, tenant="north")
    rows(market.admin_url, "INSERT INTO receipts VALUES (102)")

    undone = restores.undo(market, manage, done["run"])

    assert undone["kept"] == [{"table": "orders", "key": "102"}]
    assert rows(market.admin_url, "SELECT id FROM orders WHERE id > 100") == [(102,)]
    assert scalar(market, "SELECT count(*) FROM receipts") == 1


def test_a_key_of_a_partition_binds_its_rows(market: Scratch, manage: Manage, tmp_path: Path) -> None:
    rows(market.admin_url, "ALTER TABLE visits ADD country text DEFAULT 'AT'")
    rows(market.admin_url, "UPDATE visits SET country = 'XX' WHERE id >= 100")
    rows(market.admin_url, "ALTER TABLE visits_low ADD FOREIGN KEY (country) REFERENCES countries")
    file, then = tmp_path / "market.dump", owned(market, NORTH)
    restores.plain_backup(market, file)
    rows(market.admin_url, f"DELETE FROM visits WHERE {MINE}")

    done = restores.restore(market, manage, file, "--yes", *WHY, tenant="north")

    assert done["status"] == "restored", by_name(done)["visits"]
    assert owned(market, NORTH) == then
    rows(market.admin_url, "DELETE FROM visits; UPDATE orders SET country = NULL; DELETE FROM countries")
    table = by_name(restores.restore(market, manage, file, tenant="north"))["visits"]
    low = sum(1 for text in then["public.visits"] if text.startswith("(50,"))
    assert sum(one["rows"] for one in table["not_restored"]) == low
    assert all("row of countries that is gone" in one["reason"] for one in table["not_restored"])


def test_a_key_that_leads_to_a_partition(market: Scratch, manage: Manage, tmp_path: Path) -> None:
    """Rows come back with what they refer to, and rows of the other partitions are not held by it."""
    low, high = 60, 160
    insert = f"""INSERT INTO visits (id, store_id, note, tenant_id)
        SELECT %s, store_id, 'more', tenant_id FROM orders WHERE {MINE} LIMIT 1"""
    rows(market.admin_url, insert, [low])
    rows(market.admin_url, "ALTER TABLE items ADD visit bigint REFERENCES visits_low")
    rows(market.admin_url, f"UPDATE items SET visit = {low} WHERE {MINE}")
    file, then = tmp_path / "market.dump", owned(market, NORTH)
    restores.plain_backup(market, file)
    rows(market.admin_url, f"DELETE FROM items WHERE {MINE}; DELETE FROM visits WHERE {MINE}")
    rows(market.admin_url, insert, [high])
    damaged = owned(market, NORTH)

    done = restores.restore(market, manage, file, "--delete-added", "--yes", *WHY, tenant="north")

    assert done["status"] == "restored", by_name(done)
    assert owned(market, NORTH) == then
    assert restores.undo(market, manage, done["run"])["kept"] == []
    assert owned(market, NORTH) == damaged
