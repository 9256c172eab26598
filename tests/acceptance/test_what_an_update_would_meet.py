"""000 names what would make 004 or 001 fail half-way: the table, the object, the rows, and what to do."""

from pathlib import Path

import pytest

from tests.support.command_results import Manage, said
from tests.support.database_state import unchanged
from tests.support.databases import Scratch, rows

SHOP = [
    "CREATE TABLE stores (id bigint PRIMARY KEY, name text NOT NULL)",
    "CREATE TABLE items (id bigint PRIMARY KEY, store_id bigint NOT NULL REFERENCES stores, sku text, price numeric,"
    " path text, version int)",
    "INSERT INTO stores VALUES (1, 'Digital Health'), (2, 'Pharma')",
    "INSERT INTO items VALUES (1, 1, 'a', 1, 'x', 1), (2, 2, '', 0, 'y', 1), (3, 2, NULL, NULL, 'z', 1)",
    "CREATE FUNCTION bump() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.version = OLD.version + 1; RETURN NEW; END'",
]
WHOLE_ROW = (
    "CREATE TRIGGER bump BEFORE UPDATE ON items FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*)"
    " EXECUTE FUNCTION bump()"
)
GENERATED = "ALTER TABLE items ADD COLUMN depth int GENERATED ALWAYS AS (length(path)) STORED"
MEETS = {
    "a check that an old row breaks": (
        ["ALTER TABLE items ADD CONSTRAINT sku_filled CHECK (sku <> '') NOT VALID"],
        ["items: 1 row breaks its check sku_filled, which is NOT VALID, so that 004 cannot update them: 2.",
         "ALTER TABLE items DROP CONSTRAINT sku_filled"],
    ),
    "a check of an odd name that two rows break": (
        ["ALTER TABLE items ADD CONSTRAINT \"Is it %s?\" CHECK (version > 5 OR id = 1) NOT VALID"],
        ['items: 2 rows break its check "Is it %s?", which is NOT VALID, so that 004 cannot update them: 2, 3.'],
    ),
    "a check that is an error for a row": (
        ["ALTER TABLE items ADD CONSTRAINT rate CHECK (1 / price < 2) NOT VALID"],
        ["items: its check rate is an error for a row (division by zero)"],
    ),
    "a check of a table that inherits": (
        ["CREATE TABLE old_items () INHERITS (items)", "INSERT INTO old_items VALUES (9, 1, '')",
         "ALTER TABLE old_items ADD CONSTRAINT sku_filled CHECK (sku <> '') NOT VALID"],
        ["items: 1 row breaks its check sku_filled", "ALTER TABLE old_items DROP CONSTRAINT sku_filled"],
    ),
    "a tenant column that refers to other tenants": (
        ["CREATE TABLE tenants (id uuid PRIMARY KEY)",
         "ALTER TABLE items ADD COLUMN tenant_id uuid CONSTRAINT fk_tenant REFERENCES tenants"],
        ["items: its column tenant_id refers to tenants (constraint fk_tenant), and the plan's table of tenants is",
         'registry = "public.tenants" in the plan'],
    ),
    "a trigger that cannot be made again": (
        [WHOLE_ROW, GENERATED],
        ["items: the trigger bump reads the whole new row in its condition",
         "DROP TRIGGER bump ON items; CREATE TRIGGER bump"],
    ),
}  # fmt: skip
MEETS_NOTHING = {
    "a check that all rows keep": ["ALTER TABLE items ADD CONSTRAINT sku_short CHECK (length(sku) < 9) NOT VALID"],
    "a check that counts for old rows": ["ALTER TABLE items ADD CONSTRAINT positive CHECK (version > 0)"],
    "a trigger that reads a text": [
        "CREATE TRIGGER bump BEFORE UPDATE ON items FOR EACH ROW WHEN (OLD.path <> 'new.*') EXECUTE FUNCTION bump()",
        GENERATED,
    ],
    "a trigger that reads the whole row of a plain table": [WHOLE_ROW],
}


@pytest.fixture
def shop(empty: Scratch) -> Scratch:
    for statement in SHOP:
        rows(empty.owner_url, statement)
    return empty


@pytest.fixture
def plan(shop: Scratch, manage: Manage, tmp_path: Path) -> str:
    out = tmp_path / "plan.toml"
    done = manage(shop, "migrate_tenants", "init-plan", "--out", str(out))
    assert done.returncode == 0, said(done)
    return str(out)


@pytest.mark.parametrize("what", MEETS)
def test_it_is_refused_before_anything_changes(what: str, shop: Scratch, plan: str, manage: Manage) -> None:
    statements, words = MEETS[what]
    for statement in statements:
        rows(shop.owner_url, statement)

    with unchanged(shop):
        done = manage(shop, "migrate_tenants", "run", "--yes", "--plan", plan)

    told = " ".join(done.stdout.split())
    assert done.returncode == 1, said(done)
    for word in words:
        assert word in told
    assert "001_schema_fixes" not in done.stdout


@pytest.mark.parametrize("what", MEETS_NOTHING)
def test_what_stops_no_update_is_not_refused(what: str, shop: Scratch, plan: str, manage: Manage) -> None:
    for statement in MEETS_NOTHING[what]:
        rows(shop.owner_url, statement)

    done = manage(shop, "migrate_tenants", "run", "--yes", "--plan", plan)

    assert done.returncode == 0, said(done)


def test_the_statement_that_is_told_helps(shop: Scratch, plan: str, manage: Manage) -> None:
    for statement in MEETS["a trigger that cannot be made again"][0]:
        rows(shop.owner_url, statement)
    told = " ".join(manage(shop, "migrate_tenants", "run", "--yes", "--plan", plan).stdout.split())

    for statement in told[told.index("DROP TRIGGER bump") :].split(";")[:2]:
        rows(shop.owner_url, statement)

    done = manage(shop, "migrate_tenants", "run", "--yes", "--plan", plan)
    assert done.returncode == 0, said(done)
    assert rows(shop.admin_url, "SELECT DISTINCT version FROM items") == [(1,)]


def test_rows_that_have_their_tenant_are_not_in_the_way(shop: Scratch, plan: str, manage: Manage) -> None:
    assert manage(shop, "migrate_tenants", "run", "--yes", "--plan", plan).returncode == 0
    rows(shop.owner_url, "ALTER TABLE items ADD CONSTRAINT sku_filled CHECK (sku <> '') NOT VALID")

    done = manage(shop, "migrate_tenants", "run", "--yes", "--plan", plan, "--only", "000")

    assert "sku_filled" not in said(done)


def test_an_undo_of_a_refused_look_is_not_refused(shop: Scratch, plan: str, manage: Manage) -> None:
    for statement in MEETS["a tenant column that refers to other tenants"][0]:
        rows(shop.owner_url, statement)
    assert manage(shop, "migrate_tenants", "run", "--yes", "--plan", plan).returncode == 1

    done = manage(shop, "migrate_tenants", "undo", "--yes", "--plan", plan)

    assert done.returncode == 0, said(done)
