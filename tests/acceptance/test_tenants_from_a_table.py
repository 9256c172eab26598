"""Each row of a table is a tenant, whatever its key: those that are there, those that are added later, and those that
rows name already. No plan lists them, and an undo takes all of them along."""

import tomllib
from pathlib import Path

import psycopg
import pytest

from tests.support import databases
from tests.support.command_results import Manage, document, said
from tests.support.databases import Scratch, rows

COUNT = 60  # more than a plan lists
# Kind of key → what makes the stores and their orders, two of the stores of one name; a store and an order that are
# added later; which store that is.
KEYS = {
    "numbers": (
        """CREATE TABLE stores (id bigint PRIMARY KEY, name text NOT NULL);
        CREATE TABLE orders (id bigint PRIMARY KEY, store_id bigint NOT NULL REFERENCES stores);
        INSERT INTO stores SELECT n, 'Store ' || greatest(n, 2) FROM generate_series(1, {count}) AS n;
        INSERT INTO orders SELECT n, 1 + n % {count} FROM generate_series(1, 500) AS n""",
        ("INSERT INTO stores VALUES (999, 'Store 2')", "INSERT INTO orders VALUES (999, 999)"),
        "id = 999",
    ),
    "uuids": (
        """CREATE TABLE stores (id uuid PRIMARY KEY, name text);
        CREATE TABLE orders (id bigint PRIMARY KEY, store_id uuid REFERENCES stores);
        INSERT INTO stores SELECT md5(n::text)::uuid, NULLIF('Store ' || greatest(n, 2), 'Store 7')
            FROM generate_series(1, {count}) AS n;
        INSERT INTO orders SELECT n, md5((1 + n % {count})::text)::uuid FROM generate_series(1, 500) AS n""",
        (
            "INSERT INTO stores VALUES ('00000000-0000-4000-8000-000000000999', NULL)",
            "INSERT INTO orders VALUES (999, '00000000-0000-4000-8000-000000000999')",
        ),
        "id = '00000000-0000-4000-8000-000000000999'",
    ),
    "texts": (
        """CREATE TABLE stores (code text PRIMARY KEY, name text NOT NULL);
        CREATE TABLE orders (id bigint PRIMARY KEY, store text NOT NULL REFERENCES stores);
        INSERT INTO stores SELECT n || $t$ it's 9% "Ä\\$t$, 'Größe ' || greatest(n, 2)
            FROM generate_series(1, {count}) AS n;
        INSERT INTO orders SELECT n, (1 + n % {count}) || $t$ it's 9% "Ä\\$t$ FROM generate_series(1, 500) AS n""",
        ("INSERT INTO stores VALUES ('% {}', '###')", "INSERT INTO orders VALUES (999, '% {}')"),
        "code = '% {}'",
    ),
    "two columns": (
        """CREATE TABLE stores (city text, no int, name text NOT NULL, PRIMARY KEY (city, no));
        CREATE TABLE orders (
            id bigint PRIMARY KEY, city text NOT NULL, no int NOT NULL, FOREIGN KEY (city, no) REFERENCES stores
        );
        INSERT INTO stores SELECT 'c' || n % 3, n, 'Store ' || greatest(n, 2) FROM generate_series(1, {count}) AS n;
        INSERT INTO orders SELECT n, 'c' || (1 + n % {count}) % 3, 1 + n % {count} FROM generate_series(1, 500) AS n""",
        ("INSERT INTO stores VALUES ('c9', 9, 'Store 2')", "INSERT INTO orders VALUES (999, 'c9', 9)"),
        "city = 'c9'",
    ),
    "names in capitals": (
        """CREATE TABLE "Stores" ("Id" int PRIMARY KEY, "Store Name" varchar(40) NOT NULL);
        CREATE TABLE "Orders" ("Id" int PRIMARY KEY, "Store" int NOT NULL REFERENCES "Stores");
        INSERT INTO "Stores" SELECT n, 'Store ' || greatest(n, 2) FROM generate_series(1, {count}) AS n;
        INSERT INTO "Orders" SELECT n, 1 + n % {count} FROM generate_series(1, 500) AS n""",
        ("INSERT INTO \"Stores\" VALUES (999, '')", "INSERT INTO \"Orders\" VALUES (999, 999)"),
        '"Id" = 999',
    ),
}  # fmt: skip


def build(database: Scratch, *statements: str) -> None:
    with psycopg.connect(database.owner_url) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def planned(manage: Manage, database: Scratch, folder: Path, root: str = "stores") -> str:
    out = folder / "plan.toml"
    done = manage(database, "migrate_tenants", "init-plan", "--root", root, "--out", str(out))
    assert done.returncode == 0, said(done)
    assert "The tenants are not all listed" in done.stdout
    plan = tomllib.loads(out.read_text(encoding="utf-8"))
    assert [tenant["slug"] for tenant in plan["tenant"]] == ["platform"]
    return str(out)


def run(manage: Manage, database: Scratch, *words: str) -> str:
    done = manage(database, "migrate_tenants", *words)
    assert done.returncode == 0, said(done)
    return done.stdout


def dump(database: Scratch) -> str:
    return databases.dump(database.admin_url, "--exclude-table=public.migration_tracking")


# --- keys of every kind ---

CAPITALS = ('"Stores"', '"Orders"', '"Id"')


@pytest.mark.slow
@pytest.mark.parametrize("kind", KEYS)
def test_every_row_is_a_tenant_and_undo_is_exact(kind: str, empty: Scratch, manage: Manage, tmp_path: Path) -> None:
    statements, added, which = KEYS[kind]
    stores, orders, key = CAPITALS if kind == "names in capitals" else ("stores", "orders", "id")
    build(empty, statements.replace("{count}", str(COUNT)))
    before = dump(empty)
    plan = planned(manage, empty, tmp_path, stores.strip('"'))

    preview = document(manage(empty, "migrate_tenants", "preview", "--json", "--plan", plan))
    run(manage, empty, "run", "--yes", "--plan", plan)

    assert preview["total"]["unassigned"] == 0
    slugs = {slug for (slug,) in rows(empty.admin_url, "SELECT slug FROM vital.registry")}
    assert set(preview["total"]["tenants"]) == slugs - {"platform"}, "the preview calls them as the run does"
    assert len(slugs) == COUNT + 1
    assert of_another_store(empty, stores, orders) == []

    build(empty, *added)
    assert of_another_store(empty, stores, orders) == []
    assert rows(empty.admin_url, COMPLETE) == [(COUNT + 2, COUNT + 2, COUNT + 2)], "the new one has what others have"
    run(manage, empty, "validate")

    run(manage, empty, "undo", "--yes")
    assert rows(empty.admin_url, TRANSACTIONS) == [(2, True)], "one for each table, not for each tenant"
    build(empty, f"DELETE FROM {orders} WHERE {key} = 999", f"DELETE FROM {stores} WHERE {which}")
    assert dump(empty) == before


COMPLETE = """
    SELECT count(*), count(known.id), count(d.domain)
    FROM vital.registry AS t
    LEFT JOIN vital.tenant AS known ON known.id = t.id
    LEFT JOIN vital.domain AS d ON d.tenant_id = t.id AND d.domain = t.slug
"""
# Of the undo of stores and of orders; and whether they are of more entries.
TRANSACTIONS = """
    SELECT count(DISTINCT undone_in), count(*) > 2
    FROM vital.ledger
    WHERE kind = 'assign' AND rows > 0 AND phase = '004_tenant_data'
"""
# By the foreign key as the catalogue has it; every order has a store.
OF_ANOTHER_STORE = """
    SELECT string_agg(format('o.%%I = s.%%I', a.attname, b.attname), ' AND ')
    FROM pg_constraint AS c
    CROSS JOIN LATERAL unnest(c.conkey, c.confkey) AS k (own, key)
    JOIN pg_attribute AS a ON (a.attrelid, a.attnum) = (c.conrelid, k.own)
    JOIN pg_attribute AS b ON (b.attrelid, b.attnum) = (c.confrelid, k.key)
    WHERE c.conrelid = %s::regclass AND c.confrelid = %s::regclass
"""


def of_another_store(database: Scratch, stores: str, orders: str) -> list[tuple[object, ...]]:
    """Orders without a tenant, or with another than their store's; and stores that share one."""
    [(on,)] = rows(database.admin_url, OF_ANOTHER_STORE, [orders, stores])
    return rows(
        database.admin_url,
        f"SELECT o::text FROM {orders} AS o LEFT JOIN {stores} AS s ON {on}"
        " WHERE o.tenant_id IS NULL OR o.tenant_id IS DISTINCT FROM s.tenant_id"
        f" UNION ALL SELECT tenant_id::text FROM {stores} GROUP BY tenant_id HAVING count(*) > 1",
    )


# --- rows that are added later ---


@pytest.mark.slow
def test_its_isolation_is_there_from_the_first_second(empty: Scratch, manage: Manage, tmp_path: Path) -> None:
    build(empty, KEYS["numbers"][0].replace("{count}", str(COUNT)))
    run(manage, empty, "run", "--yes", "--plan", planned(manage, empty, tmp_path))

    with psycopg.connect(empty.owner_url) as connection:  # one transaction: before anybody else could do anything
        connection.execute("INSERT INTO stores VALUES (999, 'New')")
        connection.execute("INSERT INTO orders VALUES (999, 999)")
    [(tenant,)] = rows(empty.admin_url, "SELECT tenant_id FROM stores WHERE id = 999")

    with psycopg.connect(empty.admin_url) as connection:
        connection.execute("SELECT set_config('role', 'vital_tenant', true)")
        connection.execute("SELECT set_config('vital.tenant_id', %s, true)", [str(tenant)])
        assert connection.execute("SELECT id FROM orders").fetchall() == [(999,)]
        assert connection.execute("SELECT id FROM stores").fetchall() == [(999,)]
    [listed] = [one for one in document(manage(empty, "tenants", "list", "--json"))["tenants"] if one["name"] == "New"]
    assert (listed["is_active"], sum(listed["rows"].values())) == (True, 2)


NAMES = ("", "   ", "Store 2", "store-2", "Platform", "x" * 300, "Ä\\'\"%s{}", "-", "store-1-513c524c")


def test_whatever_a_row_is_called_its_writer_never_fails(empty: Scratch, manage: Manage, tmp_path: Path) -> None:
    """Slugs are a column of the platform's here, which has no rules for them."""
    build(
        empty,
        "CREATE TABLE stores (id bigint PRIMARY KEY, name text, slug text)",
        f"INSERT INTO stores SELECT n, 'Store ' || n, 'store-' || n FROM generate_series(1, {COUNT}) AS n",
    )
    plan = Path(planned(manage, empty, tmp_path))
    plan.write_text(plan.read_text(encoding="utf-8").replace("[tenants]\n", '[tenants]\nslug = "slug"\n'))
    run(manage, empty, "run", "--yes", "--plan", str(plan))

    for number, name in enumerate(NAMES, start=100):
        rows(empty.owner_url, "INSERT INTO stores VALUES (%s, %s, %s)", [number, name, name])
    rows(empty.owner_url, "INSERT INTO stores VALUES (99, NULL, NULL)")

    assert rows(empty.admin_url, "SELECT count(*), count(DISTINCT tenant_id) FROM stores") == [(COUNT + 10,) * 2]
    run(manage, empty, "validate")


# --- what cannot be a tenant is refused before anything changes ---

REFUSED = {
    "no name": ("UPDATE stores SET name = ' ' WHERE id = 7", "has no name for its tenant"),
    "a slug of two": (
        "UPDATE stores SET slug = 'store-1' WHERE id = 7",
        "has the slug 'store-1', which another row has",
    ),
    "a slug of the plan": ("UPDATE stores SET slug = 'platform' WHERE id = 7", "which a tenant of the plan has"),
    "no slug": ("UPDATE stores SET slug = 'A b' WHERE id = 7", "has the slug 'A b': a slug has small letters"),
}


@pytest.mark.slow
@pytest.mark.parametrize("why", REFUSED)
def test_a_row_that_can_be_no_tenant_is_named(why: str, empty: Scratch, manage: Manage, tmp_path: Path) -> None:
    statement, message = REFUSED[why]
    build(
        empty,
        "CREATE TABLE stores (id bigint PRIMARY KEY, name text NOT NULL, slug text NOT NULL)",
        f"INSERT INTO stores SELECT n, 'Store ' || n, 'store-' || n FROM generate_series(1, {COUNT}) AS n",
    )
    plan = Path(planned(manage, empty, tmp_path))
    plan.write_text(plan.read_text(encoding="utf-8").replace("[tenants]\n", '[tenants]\nslug = "slug"\n'))
    build(empty, statement)

    done = manage(empty, "migrate_tenants", "run", "--yes", "--plan", str(plan))

    assert done.returncode == 1, said(done)
    assert message in done.stdout + done.stderr
    assert "001_schema_fixes" not in done.stdout


WRONG = {
    "a column that is not there": ('name = "name"', 'name = "nam"', "has no column 'nam'"),
    "an expression that is none": ('name = "name"', 'name = { sql = "name ||" }', "tenants, name, line"),
    "a text for yes or no": ('name = "name"', 'name = "name"\nactive = { sql = "ARRAY[1]" }', "tenants, active, line"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_value_that_the_database_cannot_make_is_named(
    what: str, empty: Scratch, manage: Manage, tmp_path: Path
) -> None:
    old, new, message = WRONG[what]
    build(empty, KEYS["numbers"][0].replace("{count}", str(COUNT)))
    plan = Path(planned(manage, empty, tmp_path))
    plan.write_text(plan.read_text(encoding="utf-8").replace(old, new))

    done = manage(empty, "migrate_tenants", "preview", "--plan", str(plan))

    assert done.returncode == 2, said(done)
    assert message in done.stderr


def test_a_row_may_be_a_tenant_that_is_not_let_in(empty: Scratch, manage: Manage, tmp_path: Path) -> None:
    build(
        empty,
        KEYS["numbers"][0].replace("{count}", str(COUNT)),
        "ALTER TABLE stores ADD COLUMN closed_on date",
        "UPDATE stores SET closed_on = current_date WHERE id = 7",
    )
    plan = Path(planned(manage, empty, tmp_path))
    active = '[tenants]\nactive = { sql = "closed_on IS NULL" }\n'
    plan.write_text(plan.read_text(encoding="utf-8").replace("[tenants]\n", active))

    run(manage, empty, "run", "--yes", "--plan", str(plan))

    suspended = "SELECT s.id FROM vital.registry AS t JOIN stores AS s ON s.tenant_id = t.id WHERE NOT t.is_active"
    assert rows(empty.admin_url, suspended) == [(7,)]


# --- tenants that rows name already ---

NAMED_ALREADY = (
    "CREATE TABLE tenants (id uuid PRIMARY KEY, name text NOT NULL)",
    "CREATE TABLE items (id bigint PRIMARY KEY, tenant_id uuid NOT NULL {constraint}REFERENCES tenants)",
    "CREATE TABLE parts (id bigint PRIMARY KEY, item_id bigint NOT NULL REFERENCES items)",
    "INSERT INTO tenants SELECT md5(n::text)::uuid, 'Tenant ' || n FROM generate_series(1, 3) AS n",
    "INSERT INTO items SELECT n, md5((1 + n % 3)::text)::uuid FROM generate_series(1, 9) AS n",
    "INSERT INTO parts SELECT n, 1 + n % 9 FROM generate_series(1, 27) AS n",
)
PHASES = ("000", "001", "002", "003", "004", "005", "006")


@pytest.mark.slow
@pytest.mark.parametrize("constraint", ["", "CONSTRAINT fk_tenant ", "CONSTRAINT items_tenant_id_registry_fk "])
def test_a_tenant_column_that_is_there_is_adopted(
    constraint: str, empty: Scratch, manage: Manage, tmp_path: Path
) -> None:
    """An application goes on all the while: new tenants, and items of theirs, between any two phases."""
    build(empty, *(statement.replace("{constraint}", constraint) for statement in NAMED_ALREADY))
    before = dump(empty)
    plan = planned(manage, empty, tmp_path, "tenants")
    for number, phase in enumerate(PHASES, start=100):
        run(manage, empty, "run", "--yes", "--plan", plan, "--to", phase)
        build(
            empty,
            f"INSERT INTO tenants VALUES (md5('{number}')::uuid, 'New {number}')",
            f"INSERT INTO items VALUES ({number}, md5('{number}')::uuid)",
            f"INSERT INTO parts VALUES ({number}, {number})",
        )

    run(manage, empty, "run", "--yes", "--plan", plan)
    wrong = (
        "SELECT p.id FROM parts AS p JOIN items AS i ON i.id = p.item_id WHERE p.tenant_id IS DISTINCT FROM i.tenant_id"
    )
    assert rows(empty.admin_url, wrong) == []
    assert rows(empty.admin_url, "SELECT id FROM tenants WHERE tenant_id IS DISTINCT FROM id") == []
    run(manage, empty, "validate")

    run(manage, empty, "undo", "--yes")
    build(empty, "DELETE FROM parts WHERE id >= 100", "DELETE FROM items WHERE id >= 100")
    build(empty, "DELETE FROM tenants WHERE name LIKE 'New %'")
    assert dump(empty) == before
