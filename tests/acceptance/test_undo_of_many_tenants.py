"""An undo of many tenants does not read a table once for each; killed in between, it leaves nothing behind."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support import background, databases, queries
from tests.support.command_results import Manage, said
from tests.support.databases import Scratch, rows
from tests.support.pause_point import paused_at

Build = Callable[[int], Scratch]

SHOP = """
    CREATE TABLE stores (id bigint PRIMARY KEY, name text NOT NULL);
    CREATE TABLE orders (id bigint PRIMARY KEY, store_id bigint NOT NULL REFERENCES stores);
    INSERT INTO stores SELECT n, 'Store ' || n FROM generate_series(1, {count}) AS n;
    INSERT INTO orders SELECT n, 1 + n % {count} FROM generate_series(1, 5000) AS n;
    ANALYZE stores, orders
"""
INDEXES = "SELECT count(*) FROM pg_class WHERE starts_with(relname, 'vital_undo_')"
SCANS = "SELECT seq_scan FROM pg_stat_user_tables WHERE relname = 'orders'"


@pytest.fixture
def migrated_shop(server_url: str, manage: Manage, tmp_path: Path) -> Iterator[Build]:
    """Makes a database with so many stores, each a tenant, after its whole run."""
    made: list[Scratch] = []

    def build(count: int) -> Scratch:
        shop = databases.create_empty(server_url)
        made.append(shop)
        for statement in SHOP.replace("{count}", str(count)).split(";"):
            rows(shop.owner_url, statement)
        plan = str(tmp_path / f"{count}.toml")
        carry_out(manage, shop, "init-plan", "--root", "stores", "--out", plan)
        carry_out(manage, shop, "run", "--yes", "--plan", plan)
        return shop

    yield build
    for shop in made:
        databases.drop(shop)


def carry_out(manage: Manage, shop: Scratch, *words: str) -> None:
    done = manage(shop, "migrate_tenants", *words)
    assert done.returncode == 0, said(done)


def scans_of_undo(manage: Manage, shop: Scratch) -> int:
    """How often the undo of 002 has read the orders from end to end."""
    carry_out(manage, shop, "undo", "--yes", "--phase", "003")
    before = queries.scalar(shop, SCANS)
    carry_out(manage, shop, "undo", "--yes", "--phase", "002")
    assert queries.scalar(shop, "SELECT count(*) FROM vital.registry") == 0
    assert queries.scalar(shop, INDEXES) == 0
    return int(queries.scalar(shop, SCANS)) - int(before)


def test_it_reads_a_table_no_more_often_than_for_a_few(migrated_shop: Build, manage: Manage) -> None:
    few, many = migrated_shop(5), migrated_shop(50)

    assert scans_of_undo(manage, many) <= scans_of_undo(manage, few)


def test_a_row_that_still_refers_to_one_of_many_is_named(migrated_shop: Build, manage: Manage) -> None:
    shop = migrated_shop(50)
    rows(shop.owner_url, "INSERT INTO orders SELECT 7777, id, tenant_id FROM stores WHERE id = 7")

    done = manage(shop, "migrate_tenants", "undo", "--yes")

    assert done.returncode != 0
    assert "orders 7777" in done.stdout + done.stderr, said(done)
    assert queries.scalar(shop, "SELECT count(*) FROM vital.registry") == 51
    assert queries.scalar(shop, INDEXES) == 0


@pytest.mark.slow
def test_killed_in_between_it_leaves_no_index_to_a_run_nor_to_its_end(migrated_shop: Build, manage: Manage) -> None:
    shop = migrated_shop(50)
    killed_while_an_index_stands(shop)
    carry_out(manage, shop, "run", "--yes")
    assert queries.scalar(shop, INDEXES) == 0
    carry_out(manage, shop, "validate")

    killed_while_an_index_stands(shop)
    carry_out(manage, shop, "undo", "--yes")
    assert queries.scalar(shop, INDEXES) == 0
    assert queries.scalar(shop, "SELECT count(*) FROM vital.applied_statement") == 0
    columns = "SELECT count(*) FROM information_schema.columns WHERE table_name IN ('stores', 'orders')"
    assert queries.scalar(shop, columns) == 4


def killed_while_an_index_stands(shop: Scratch) -> None:
    with (
        paused_at(shop, "vital.applied_statement", INDEXES.replace("count(*)", "count(*) > 0")) as here,
        background.start(shop, "migrate_tenants", "undo", "--yes") as running,
    ):
        running.until(here)
        running.kill()
    assert queries.scalar(shop, INDEXES) > 0
