"""Tables of other shapes: numbered keys, partitions, circles, odd names, values of odd types."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import databases, restores
from tests.support.command_results import Manage, said
from tests.support.databases import Scratch, rows
from tests.support.paths import ROOT
from tests.support.restores import WHY, by_name, others, owned

pytestmark = pytest.mark.slow

SUPPORT = ROOT / "tests" / "support"
NORTH = "0cf4bf3d-a479-5223-bc8f-ec6797deac19"
# The market gets what a restore may stumble over.
ODD = """
ALTER TABLE items ADD "Größe 100%" numeric(12, 3), ADD doc json, ADD span interval, ADD raw bytea, ADD at timestamptz,
  ADD code_length int GENERATED ALWAYS AS (length(code)) STORED, ADD flags bit(4), ADD padded char(6), ADD ratio float8,
  ADD instead int REFERENCES items, ADD tags text[];
UPDATE items SET "Größe 100%" = 1.50 + id, doc = '{"b":1,  "a" : [1, 2]}', span = '1 mon 2 days 03:00:00.5',
  raw = '\\x00ff5c', at = '2024-02-29 23:59:59.123456+05', flags = B'1010', padded = 'ab', ratio = 'NaN',
  note = E'a\\tb\\\\', tags = ARRAY['x', NULL, '"quoted"'];
UPDATE items SET instead = (id + 1) % 12 + 1;
"""
DAMAGES = {
    "gone with all that is below": """DELETE FROM items WHERE {mine}; DELETE FROM orders WHERE {mine};
        DELETE FROM visits WHERE {mine}""",
    "values": """UPDATE items SET doc = '{{}}', padded = 'x', ratio = 0.1, span = NULL, flags = B'0000' WHERE {mine};
        UPDATE visits SET note = 'other', id = id WHERE {mine}; UPDATE orders SET amount = amount + 1 WHERE {mine}""",
    "partitions": "UPDATE visits SET id = id + 2000 WHERE {mine}",
}  # fmt: skip


@pytest.fixture(scope="module")
def market(server_url: str, manage: Manage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Scratch, Path]]:
    """A market behind isolation with its dump."""
    scratch, folder = databases.create_empty(server_url), tmp_path_factory.mktemp("market")
    rows(scratch.owner_url, (SUPPORT / "market.sql").read_text(encoding="utf-8"))
    rows(scratch.owner_url, ODD)
    done = manage(scratch, "migrate_tenants", "--yes", "--no-backup", "--plan", str(SUPPORT / "market.toml"))
    assert done.returncode == 0, said(done)
    restores.plain_backup(scratch, folder / "market.dump")
    yield scratch, folder / "market.dump"
    databases.drop(scratch)


@pytest.mark.parametrize("what", DAMAGES)
def test_every_value_comes_back(what: str, market: tuple[Scratch, Path], manage: Manage) -> None:
    template, file = market
    scratch = databases.clone_with_grants(template)
    try:
        then = owned(scratch, NORTH)
        assert all(then[f"public.{table}"] for table in ("orders", "items", "visits"))
        rows(scratch.admin_url, DAMAGES[what].format(mine=f"tenant_id = '{NORTH}'"))
        damaged, around = owned(scratch, NORTH), others(scratch, NORTH)
        assert damaged != then

        done = restores.restore(scratch, manage, file, "--delete-added", "--yes", *WHY, tenant="north")

        assert done["status"] == "restored", by_name(done)
        assert owned(scratch, NORTH) == then
        assert others(scratch, NORTH) == around
        undone = restores.undo(scratch, manage, done["run"])
        assert undone["kept"] == []
        assert owned(scratch, NORTH) == damaged
    finally:
        databases.drop(scratch)


LOOSE = """
ALTER TABLE visits ADD item bigint;
ALTER TABLE visits_low ADD FOREIGN KEY (item) REFERENCES items;
UPDATE visits SET item = CASE WHEN id < 100 THEN (SELECT min(id) FROM items) ELSE 4711 END
"""


def test_a_key_of_some_partitions_binds_their_rows_alone(server_url: str, manage: Manage, tmp_path: Path) -> None:
    """A row of another partition may lead nowhere, and comes back so."""
    scratch = databases.create_empty(server_url)
    try:
        rows(scratch.owner_url, (SUPPORT / "market.sql").read_text(encoding="utf-8"))
        rows(scratch.owner_url, LOOSE)
        done = manage(scratch, "migrate_tenants", "--yes", "--no-backup", "--plan", str(SUPPORT / "market.toml"))
        assert done.returncode == 0, said(done)
        restores.plain_backup(scratch, tmp_path / "market.dump")
        then = owned(scratch, NORTH)["public.visits"]
        assert any("4711" in row for row in then)
        rows(scratch.admin_url, f"DELETE FROM visits WHERE tenant_id = '{NORTH}'")

        back = restores.restore(scratch, manage, tmp_path / "market.dump", "--yes", *WHY, tenant="north")

        assert back["status"] == "restored", by_name(back)
        assert owned(scratch, NORTH)["public.visits"] == then
    finally:
        databases.drop(scratch)
