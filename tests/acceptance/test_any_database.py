"""Databases without anything of VITAL: init-plan, a person's edits, a run, its undo, and a second run."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import CompletedProcess

import psycopg
import pytest

from tests.support import databases
from tests.support.command_results import Manage, said
from tests.support.databases import Scratch, rows
from tests.support.paths import ROOT
from tests.support.queries import scalar
from tests.support.tenant_role import TenantSession

pytestmark = pytest.mark.slow

SHOP, GARDEN = ROOT / "docs" / "tutorial" / "shop.sql", ROOT / "tests" / "support" / "garden.sql"
EDITS = {
    SHOP: [('domain = "berlin-mitte.example.com"', 'domain = "mitte.shop.example"')],
    GARDEN: [('"order\\""\nvisibility', '"order\\""\nunmatched = "platform"\nvisibility')],
}
SCHEMAS = {SHOP: "public", GARDEN: "Gärtnerei 100%"}
# Each table with the row of the root that its rows are of, found over every hop by hand.
OWNERS = {
    SHOP: {
        "stores": "SELECT tenant_id, name FROM stores",
        "departments": "SELECT d.tenant_id, s.name FROM departments d JOIN stores s ON s.id = d.store_id",
        "returns": """SELECT r.tenant_id, s.name FROM returns r JOIN order_items i ON i.id = r.order_item_id
            JOIN products p ON p.id = i.product_id JOIN shelves h ON h.id = p.shelf_id
            JOIN departments d ON d.id = h.department_id JOIN stores s ON s.id = d.store_id""",
    },
    GARDEN: {
        "Kunden": 'SELECT k.tenant_id, "Name" FROM "Kunden" k JOIN "Mandanten" ON "Kürzel" = mandant',
        "Bestellungen": 'SELECT b.tenant_id, "Name" FROM "Bestellungen" b JOIN "Mandanten" ON "Kürzel" = mandant',
        "order": """SELECT o.tenant_id, COALESCE(m."Name", 'Platform') FROM "order" o
            LEFT JOIN "Artikel" a ON a.id = o.artikel LEFT JOIN "Mandanten" m ON m."Kürzel" = a.mandant""",
    },
}


@dataclass
class Journey:
    """A database on its way there, back, and there again, with what each command said."""

    sample: Path
    scratch: Scratch
    said: dict[str, "CompletedProcess[str]"] = field(default_factory=dict)
    dumps: dict[str, str] = field(default_factory=dict)
    plan: str = ""

    @contextmanager
    def connected(self, url: str) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
        """In the sample's schema; what is done is taken back."""
        with psycopg.connect(url) as connection:
            connection.execute(f'SET search_path = "{SCHEMAS[self.sample]}"'.encode())
            yield connection
            connection.rollback()

    @contextmanager
    def as_tenant(self, tenant: object) -> Iterator[TenantSession]:
        with self.connected(self.scratch.admin_url) as connection:
            put_on = "SELECT set_config('role', 'vital_tenant', true), set_config('vital.tenant_id', %s, true)"
            connection.execute(put_on, [tenant])
            yield TenantSession(connection)

    def asked(self, query: str) -> list[tuple[object, ...]]:
        with self.connected(self.scratch.admin_url) as connection:
            return connection.execute(query.encode()).fetchall()


def build(server_url: str, sample: Path) -> Scratch:
    scratch = databases.create_empty(server_url)
    with psycopg.connect(scratch.owner_url) as connection:
        connection.execute(sample.read_bytes())
    return scratch


def dump(scratch: Scratch, sample: Path) -> str:
    schema = f'"{SCHEMAS[sample]}"'
    return databases.dump(scratch.admin_url, "--exclude-table=public.migration_tracking", schema=schema)


@pytest.fixture(scope="module", params=[SHOP, GARDEN], ids=lambda sample: sample.stem)
def journey(
    request: pytest.FixtureRequest, server_url: str, manage: Manage, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Journey]:
    scratch = build(server_url, request.param)
    way = Journey(request.param, scratch)
    plan = tmp_path_factory.mktemp("plan") / "plan.toml"
    way.dumps["found"] = dump(scratch, request.param)
    way.said["init-plan"] = manage(
        scratch, "migrate_tenants", "init-plan", "--schema", SCHEMAS[request.param], "--out", str(plan)
    )
    way.dumps["planned"] = dump(scratch, request.param)
    way.plan = plan.read_text(encoding="utf-8")
    edited = way.plan
    for old, new in EDITS[request.param]:
        assert edited.count(old) == 1, edited
        edited = edited.replace(old, new)
    plan.write_text(edited, encoding="utf-8")
    steps = {"run": ["run"], "validate": ["validate"], "undo": ["undo", "--yes"], "again": ["run"]}
    for step, words in steps.items():
        way.said[step] = manage(scratch, "migrate_tenants", *words, "--plan", str(plan))
        way.dumps[step] = dump(scratch, request.param)
    yield way
    databases.drop(scratch)


def test_every_command_succeeds(journey: Journey) -> None:
    for step, done in journey.said.items():
        assert done.returncode == 0, f"{step}: {said(done)}"
    assert "tenants that see more or less" not in journey.said["run"].stdout  # only what is found is shown
    assert "006_row_level_security" in journey.said["run"].stdout


def test_planning_writes_nothing(journey: Journey) -> None:
    assert journey.dumps["planned"] == journey.dumps["found"]


def test_an_undo_leaves_it_as_it_was_found(journey: Journey) -> None:
    assert journey.dumps["undo"] == journey.dumps["found"]
    assert journey.dumps["again"] == journey.dumps["run"]


def test_every_row_is_its_owners(journey: Journey) -> None:
    names = dict(rows(journey.scratch.admin_url, "SELECT id, name FROM vital.registry"))
    assert "Platform" in names.values()
    for table, query in OWNERS[journey.sample].items():
        found = journey.asked(query)
        assert found, table
        assert [names.get(tenant) for tenant, _ in found] == [name for _, name in found], table


def test_nothing_of_vitals_platform_is_made(journey: Journey) -> None:
    public = {
        name
        for (name,) in rows(
            journey.scratch.admin_url,
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'",
        )
    }
    assert not public & {"tenants", "tools", "agents", "business_functions"}


def test_a_tenant_sees_its_own_rows_and_the_lists(journey: Journey) -> None:
    table, common = ("products", "countries") if journey.sample == SHOP else ('"Bestellungen"', '"Länder"')
    (count, tenant), *others = journey.asked(f"SELECT count(*), tenant_id::text FROM {table} GROUP BY 2 ORDER BY 2")
    assert others
    with journey.as_tenant(tenant) as being:
        shown = f"SELECT count(*), min(tenant_id::text), max(tenant_id::text) FROM {table}"
        assert being.rows(shown) == [(count, tenant, tenant)]
        assert being.rows(f"SELECT count(*) > 0 FROM {common}") == [(True,)]
        assert being.refusal(f"DELETE FROM {common}") == "42501"


# --- what old code writes, and what one tenant tries with another's rows ---


def test_a_row_that_old_code_writes_follows_its_parent(journey: Journey) -> None:
    write = {
        SHOP: """INSERT INTO order_items (product_id) VALUES (1)
            RETURNING tenant_id = (SELECT tenant_id FROM products WHERE id = 1)""",
        GARDEN: """INSERT INTO "Bestellungen" VALUES ('ö1', 1, 99, '2024-05-05')
            RETURNING tenant_id = (SELECT tenant_id FROM "Mandanten" WHERE "Kürzel" = 'ö1')""",
    }[journey.sample]
    with journey.connected(journey.scratch.owner_url) as connection:
        assert connection.execute(write.encode()).fetchall() == [(True,)]


def test_a_reference_of_several_columns_stays_in_its_tenant(journey: Journey) -> None:
    if journey.sample == SHOP:
        pytest.skip("its references are of one column")
    [(mine,)] = journey.asked('SELECT tenant_id::text FROM "Mandanten" WHERE "Kürzel" = \'ö1\'')
    order = "INSERT INTO \"Bestellungen\" (mandant, kunde, nr, am, tenant_id) VALUES (%s, 1, 77, '2024-05-05', %s)"
    with journey.as_tenant(mine) as being:
        assert being.refusal(order, "x'2", mine) == "23503"
        assert being.refusal(order, "ö1", mine) == ""


# --- the plan that is written ---


def test_it_says_what_is_left_out_and_why(journey: Journey) -> None:
    reasons = {
        SHOP: ["public.till_log: no primary key", "public.stock: a view", "public.gift_cards: no foreign key leads"],
        GARDEN: [
            "protokoll: no primary key",
            "in a circle",
            "Its key has several columns: mandant, nr.",
            "refers to itself",
        ],
    }
    for reason in reasons[journey.sample]:
        assert reason in journey.plan
    assert "EDIT" in journey.plan


@pytest.fixture(scope="module")
def shop(server_url: str) -> Iterator[Scratch]:
    scratch = build(server_url, SHOP)
    yield scratch
    databases.drop(scratch)


def test_parents_come_before_children_and_keys_become_one_per_tenant(shop: Scratch, manage: Manage) -> None:
    plan = manage(shop, "migrate_tenants", "init-plan").stdout

    places = [
        plan.index(f'name = "public.{table}"')
        for table in ("stores", "departments", "shelves", "products", "order_items", "returns")
    ]
    assert places == sorted(places)
    assert 'rescope = [["sku"]]' in plan
    assert plan.index("[[common]]") < plan.index('name = "public.countries"')


def test_a_file_that_is_there_is_kept(shop: Scratch, manage: Manage, tmp_path: Path) -> None:
    plan = tmp_path / "plan.toml"
    plan.write_text("mine")

    refused = manage(shop, "migrate_tenants", "init-plan", "--out", str(plan))

    assert (refused.returncode != 0, plan.read_text()) == (True, "mine"), said(refused)
    assert manage(shop, "migrate_tenants", "init-plan", "--out", str(plan), "--yes").returncode == 0
    assert "[[tenant]]" in plan.read_text()


@pytest.mark.parametrize(
    ("words", "why"), [(("--root", "shops"), "no table shops"), (("--schema", "nowhere"), "No table is")]
)
def test_without_a_root_it_says_what_to_do(shop: Scratch, manage: Manage, words: tuple[str, ...], why: str) -> None:
    refused = manage(shop, "migrate_tenants", "init-plan", *words)

    assert refused.returncode == 2, said(refused)
    assert why in refused.stderr
    assert "--root" in refused.stderr
    assert scalar(shop, "SELECT to_regnamespace('vital') IS NULL")
