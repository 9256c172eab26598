"""A row that is a tenant changes, or goes: the tenant follows in the same transaction, but for what people have set."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.support import databases
from tests.support.command_results import Manage, document, said
from tests.support.databases import Scratch, rows

COUNT = 60  # more than a plan lists
BUILD = (
    "CREATE TABLE stores (id bigint PRIMARY KEY, name text, closed_on date, visits int NOT NULL DEFAULT 0)",
    "CREATE TABLE orders (id bigint PRIMARY KEY, store_id bigint NOT NULL REFERENCES stores)",
    f"INSERT INTO stores SELECT n, 'Store ' || n FROM generate_series(1, {COUNT}) AS n",
    f"INSERT INTO orders SELECT n, 1 + n % {COUNT} FROM generate_series(1, 120) AS n WHERE n % {COUNT} <> 58",
)
ACTIVE = '[tenants]\nactive = { sql = "closed_on IS NULL" }\n'
RECORD = "SELECT t.name, t.is_active, t.slug FROM vital.registry AS t WHERE t.id = %s"
ADDED = "INSERT INTO stores VALUES (999, 'New')"
# The rows' statements, and what the tenant is afterwards: its name, and whether it is let in.
CHANGES = {
    "a name": (["UPDATE stores SET name = 'Renamed' WHERE id = {id}"], "Renamed", True),
    "a name that is none": (["UPDATE stores SET name = '  ' WHERE id = {id}"], None, True),
    "a name that is too long": (["UPDATE stores SET name = repeat('x', 300) WHERE id = {id}"], "x" * 100, True),
    "closed": (["UPDATE stores SET closed_on = '2024-01-01' WHERE id = {id}"], "", False),
    "closed and open again": (
        ["UPDATE stores SET closed_on = '2024-01-01' WHERE id = {id}", "UPDATE stores SET closed_on = NULL"],
        "",
        True,
    ),
    "both": (["UPDATE stores SET name = 'Gone', closed_on = '2024-01-01' WHERE id = {id}"], "Gone", False),
    "neither": (["UPDATE stores SET visits = visits + 1 WHERE id = {id}"], "", True),
    "deleted": (["DELETE FROM stores WHERE id = {id}"], "", False),
    "deleted and there again": (
        ["DELETE FROM stores WHERE id = {id}", "INSERT INTO stores VALUES ({id}, 'Again')"],
        "Again",
        True,
    ),
}


def run(manage: Manage, database: Scratch, *words: str) -> str:
    done = manage(database, "migrate_tenants", *words)
    assert done.returncode == 0, said(done)
    return done.stdout


def dump(database: Scratch) -> str:
    return databases.dump(database.admin_url, "--exclude-table=public.migration_tracking")


@pytest.fixture(scope="module")
def stores(
    server_url: str, manage: Manage, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Scratch, str, Path]]:
    """A migrated database whose tenants are stores, its dump from before, and the plan."""
    database, folder = databases.create_empty(server_url), tmp_path_factory.mktemp("stores")
    for statement in BUILD:
        rows(database.owner_url, statement)
    before, plan = dump(database), folder / "plan.toml"
    run(manage, database, "init-plan", "--root", "stores", "--out", str(plan))
    plan.write_text(plan.read_text(encoding="utf-8").replace("[tenants]\n", ACTIVE))
    run(manage, database, "run", "--yes", "--plan", str(plan))
    yield database, before, plan
    databases.drop(database)


@pytest.fixture
def market(stores: tuple[Scratch, str, Path]) -> Iterator[Scratch]:
    scratch = databases.clone_with_grants(stores[0])
    yield scratch
    databases.drop(scratch)


def tenant_of(database: Scratch, store: int) -> str:
    [(tenant,)] = rows(database.admin_url, "SELECT tenant_id::text FROM stores WHERE id = %s", [store])
    return str(tenant)


def record(database: Scratch, tenant: str) -> tuple[str, bool, str]:
    [(name, is_active, slug)] = rows(database.admin_url, RECORD, [tenant])
    return name, is_active, slug


@pytest.mark.parametrize("store", [59, 999], ids=["there before the run", "added later"])
@pytest.mark.parametrize("change", CHANGES)
def test_the_tenant_follows_in_the_same_transaction(market: Scratch, change: str, store: int) -> None:
    statements, name, is_active = CHANGES[change]
    if store == 999:
        rows(market.owner_url, ADDED)
    tenant = tenant_of(market, store)
    old_name, _, slug = record(market, tenant)
    with psycopg.connect(market.owner_url) as connection:
        for statement in statements:
            connection.execute(statement.format(id=store).encode())
        seen = connection.execute(RECORD, [tenant]).fetchone()
    wanted = (str(store) if name is None else name or old_name, is_active, slug)
    assert seen == wanted
    assert record(market, tenant) == wanted
    others = "SELECT count(*) FROM vital.registry WHERE id <> %s AND (NOT is_active OR name !~ '^(Store|Platform|New)')"
    assert rows(market.admin_url, others, [tenant]) == [(0,)]


SET_BY_PERSON: dict[str, tuple[list[list[str]], tuple[str, bool]]] = {
    "a name": ([["set", "{slug}", "name=Mine"]], ("Mine", False)),
    "another setting": ([["set", "{slug}", "limits.max_agents=7"]], ("Renamed", False)),
    "suspended": ([["suspend", "{slug}", "--yes"]], ("Renamed", False)),
    "suspended and let in": ([["suspend", "{slug}", "--yes"], ["activate", "{slug}"]], ("Renamed", True)),
}


@pytest.mark.parametrize("what", SET_BY_PERSON)
def test_what_a_person_has_set_stays(market: Scratch, manage: Manage, what: str) -> None:
    commands, wanted = SET_BY_PERSON[what]
    tenant = tenant_of(market, 59)
    slug = record(market, tenant)[2]
    for command in commands:
        done = manage(market, "tenants", *(word.format(slug=slug) for word in command), "--reason", "asked for")
        assert done.returncode == 0, said(done)
    rows(market.owner_url, "UPDATE stores SET name = 'Renamed', closed_on = '2024-01-01' WHERE id = 59")
    assert record(market, tenant)[:2] == wanted
    if what == "suspended":
        rows(market.owner_url, "UPDATE stores SET closed_on = NULL WHERE id = 59")
        assert record(market, tenant)[1] is False, "a row does not let in whom a person has suspended"


def test_a_row_that_others_refer_to_is_not_deleted_and_its_tenant_stays(market: Scratch) -> None:
    tenant = tenant_of(market, 7)
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        rows(market.owner_url, "DELETE FROM stores WHERE id = 7")
    assert record(market, tenant)[1] is True


def test_a_tenant_that_writes_its_own_row_is_followed(market: Scratch) -> None:
    """The restricted role has no right to write the table of tenants; the trigger writes what the row says."""
    mine, other = tenant_of(market, 7), tenant_of(market, 8)
    with psycopg.connect(market.admin_url) as connection:
        connection.execute("SELECT set_config('role', 'vital_tenant', true)")
        connection.execute("SELECT set_config('vital.tenant_id', %s, true)", [mine])
        assert connection.execute("UPDATE stores SET name = 'By itself' WHERE id IN (7, 8)").rowcount == 1
    assert record(market, mine)[0] == "By itself"
    assert record(market, other)[0] == "Store 8"


def test_the_preview_and_a_further_run_call_it_by_the_slug_that_it_has(
    market: Scratch, stores: tuple[Scratch, str, Path], manage: Manage
) -> None:
    tenant = tenant_of(market, 7)
    slug = record(market, tenant)[2]
    rows(market.owner_url, "UPDATE stores SET name = 'Renamed' WHERE id = 7")
    plan = str(stores[2])
    preview = document(manage(market, "migrate_tenants", "preview", "--json", "--plan", plan))
    assert slug in preview["total"]["tenants"]
    assert not any(name.startswith("renamed") for name in preview["total"]["tenants"])
    run(manage, market, "run", "--yes", "--plan", plan)
    assert record(market, tenant) == ("Renamed", True, slug)
    run(manage, market, "validate")


def test_undo_is_exact_after_all_of_it(market: Scratch, stores: tuple[Scratch, str, Path], manage: Manage) -> None:
    rows(market.owner_url, ADDED)
    for statement in (
        "UPDATE stores SET name = 'Renamed' WHERE id IN (7, 999)",
        "UPDATE stores SET closed_on = '2024-01-01' WHERE id IN (8, 999)",
        "DELETE FROM stores WHERE id = 59",
    ):
        rows(market.owner_url, statement)

    run(manage, market, "undo", "--yes")

    rows(market.owner_url, "DELETE FROM stores WHERE id = 999")
    rows(market.owner_url, "UPDATE stores SET name = 'Store ' || id, closed_on = NULL WHERE id IN (7, 8)")
    rows(market.owner_url, "INSERT INTO stores VALUES (59, 'Store 59')")
    assert dump(market) == stores[1]


EARLIER = (
    'DROP TRIGGER "A_vital_new_tenant" ON stores',
    'CREATE TRIGGER "A_vital_new_tenant" AFTER INSERT ON stores'
    " FOR EACH ROW EXECUTE FUNCTION vital.new_tenant_of_public_stores()",
    "COMMENT ON FUNCTION vital.new_tenant_of_public_stores() IS 'an earlier one'",
    "UPDATE stores SET name = 'Renamed', closed_on = '2024-01-01' WHERE id = 7",
)


def test_the_next_run_brings_up_what_an_earlier_vital_did_not_follow(
    market: Scratch, stores: tuple[Scratch, str, Path], manage: Manage
) -> None:
    tenant = tenant_of(market, 7)
    for statement in EARLIER:
        rows(market.owner_url, statement)
    assert record(market, tenant)[:2] == ("Store 7", True)
    assert document(manage(market, "migrate_tenants", "status", "--json"))["next"] == "002_tenant_setup"

    run(manage, market, "run", "--yes", "--plan", str(stores[2]))

    assert record(market, tenant)[:2] == ("Renamed", False)
