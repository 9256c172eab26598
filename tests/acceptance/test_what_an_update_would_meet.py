"""000 names what would make 004 or 001 fail half-way: the table, the object, the rows, and what to do."""

from pathlib import Path

import psycopg
import pytest

from tests.support.command_results import Manage, said
from tests.support.database_state import dump_platform, unchanged
from tests.support.databases import OWNER, Scratch, rows

pytestmark = pytest.mark.slow

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
WRITES = (
    "CREATE OR REPLACE FUNCTION bump() RETURNS trigger LANGUAGE plpgsql AS"
    " 'BEGIN INSERT INTO seen VALUES (NEW.sku); NEW.version = OLD.version + 1; RETURN NEW; END'"
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
    "a column that is generated from the tenant": (
        ["ALTER TABLE items ADD COLUMN tenant_id uuid,"
         " ADD COLUMN \"Whose\" text GENERATED ALWAYS AS (tenant_id::text) STORED"],
        ['items: its column "Whose" is generated from tenant_id and would change with it',
         'ALTER TABLE items ALTER COLUMN "Whose" DROP EXPRESSION'],
    ),
    "a tenant column of a domain": (
        ["CREATE DOMAIN tenant AS uuid", "ALTER TABLE items ADD COLUMN tenant_id tenant"],
        ["items: the column tenant_id is tenant, but a tenant's id is a uuid"],
    ),
    "a table of a type": (
        ["CREATE TYPE thing AS (id bigint, store_id bigint)", "DROP TABLE items", "CREATE TABLE items OF thing",
         "ALTER TABLE items ADD PRIMARY KEY (id), ADD FOREIGN KEY (store_id) REFERENCES stores"],
        ["items: is a table of the type thing, so that no column can be added: ALTER TABLE public.items NOT OF"],
    ),
    "a rule for updates": (
        ["CREATE TABLE log (line text)",
         "CREATE RULE noted AS ON UPDATE TO items DO ALSO INSERT INTO log VALUES (NEW.sku)"],
        ["items: its rows cannot be changed", "DO ALSO rules", "ALTER TABLE public.items DISABLE RULE noted"],
    ),
    "a rule that swallows updates": (
        ["CREATE RULE frozen AS ON UPDATE TO items DO INSTEAD NOTHING"],
        ["items: its rows cannot be changed", "ALTER TABLE public.items DISABLE RULE frozen"],
    ),
    "a published table without a replica identity": (
        ["ALTER TABLE items REPLICA IDENTITY NOTHING", "CREATE PUBLICATION updates FOR TABLE items"],
        ['items: its rows cannot be changed: cannot update table "items" because it does not have a replica identity',
         "REPLICA IDENTITY using ALTER TABLE. The publication updates publishes it."],
    ),
    "a trigger that cannot be made again, and writes elsewhere": (
        ["CREATE TABLE seen (line text)", WRITES, WHOLE_ROW, GENERATED],
        ["items: the trigger bump reads the whole new row in its condition",
         "DROP TRIGGER bump ON items; CREATE TRIGGER bump"],
    ),
    "a trigger that cannot be made again, behind ours": (
        [WHOLE_ROW.replace("TRIGGER bump", 'TRIGGER "~~"'), GENERATED],
        ['items: the trigger "~~" reads the whole new row in its condition'],
    ),
}  # fmt: skip
MEETS_NOTHING = {
    "a domain that old rows break": [
        "CREATE DOMAIN code AS text",
        "ALTER TABLE items ALTER sku TYPE code",
        "ALTER DOMAIN code ADD CONSTRAINT filled CHECK (VALUE <> '') NOT VALID",
    ],
    "a key of a domain": ["CREATE DOMAIN number AS bigint CHECK (VALUE > 0)", "ALTER TABLE items ALTER id TYPE number"],
    "a publication of inserts alone": [
        "ALTER TABLE items REPLICA IDENTITY NOTHING",
        "CREATE PUBLICATION inserts FOR TABLE items WITH (publish = 'insert')",
    ],
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
        assert word in told, said(done)
    assert "001_schema_fixes" not in done.stdout


@pytest.mark.parametrize("what", MEETS_NOTHING)
def test_what_stops_no_update_is_not_refused(what: str, shop: Scratch, plan: str, manage: Manage) -> None:
    for statement in MEETS_NOTHING[what]:
        rows(shop.owner_url, statement)

    done = manage(shop, "migrate_tenants", "run", "--yes", "--plan", plan)

    assert done.returncode == 0, said(done)


def test_the_statement_that_is_told_helps(shop: Scratch, plan: str, manage: Manage) -> None:
    for statement in MEETS["a trigger that cannot be made again, and writes elsewhere"][0]:
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


# --- what writes to other tables of the plan ---

COUNTED = [
    "ALTER TABLE stores ADD COLUMN changes int NOT NULL DEFAULT 0",
    "CREATE TABLE log (line text)",
    "CREATE FUNCTION counted() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN"
    " UPDATE stores SET changes = changes + 1; INSERT INTO public.log VALUES (TG_NAME); RETURN NULL; END$$",
    "CREATE FUNCTION logged() RETURNS trigger LANGUAGE plpgsql AS"
    " $$BEGIN INSERT INTO log VALUES (TG_NAME); RETURN NULL; END$$",
    "CREATE TRIGGER of_rows AFTER UPDATE ON items FOR EACH ROW EXECUTE FUNCTION counted()",
    'CREATE TRIGGER "of some; WHEN (x)" AFTER INSERT OR UPDATE ON items FOR EACH ROW WHEN (NEW.sku IS NULL)'
    " EXECUTE FUNCTION counted('FOR EACH ROW')",
    "CREATE TRIGGER of_statements AFTER UPDATE ON items REFERENCING NEW TABLE AS n FOR EACH STATEMENT"
    " EXECUTE FUNCTION counted()",
    "CREATE TRIGGER of_skus AFTER UPDATE OF sku ON items FOR EACH ROW EXECUTE FUNCTION counted()",
    "CREATE TRIGGER audit AFTER UPDATE ON items FOR EACH ROW EXECUTE FUNCTION logged()",
]
TRIGGERS = "SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1"


def test_triggers_that_write_to_the_plans_tables_are_held_back(shop: Scratch, plan: str, manage: Manage) -> None:
    """A counter of the plan's would be moved by VITAL's own updates; an audit beside the plan still hears of them."""
    for statement in COUNTED:
        rows(shop.owner_url, statement)
    before = dump_platform(shop)

    done = manage(shop, "migrate_tenants", "run", "--yes", "--plan", plan)

    told = " ".join(done.stdout.split())
    assert done.returncode == 0, said(done)
    assert "items: the trigger of_rows seems to write stores as a row changes. 001 holds it back" in told
    assert "An audit or a queue that it feeds as well (log) misses these changes" in told
    assert "items: the trigger audit fires for every change of a tenant" in told
    for name in ("of_rows", "of_statements", "of_skus"):
        assert f"the trigger {name} fires" not in told
    assert "writes by others" not in told
    assert rows(shop.admin_url, "SELECT DISTINCT changes FROM stores") == [(0,)]
    assert rows(shop.admin_url, "SELECT DISTINCT line FROM log") == [("audit",)]
    rows(shop.owner_url, "UPDATE items SET version = 2 WHERE id = 3")
    assert rows(shop.admin_url, "SELECT DISTINCT changes FROM stores") == [(3,)]
    rows(shop.owner_url, "UPDATE items SET version = 1 WHERE id = 3")
    rows(shop.owner_url, "UPDATE stores SET changes = 0")

    undone = manage(shop, "migrate_tenants", "undo", "--yes")

    assert undone.returncode == 0, said(undone)
    rows(shop.owner_url, "TRUNCATE log")
    assert dump_platform(shop) == before


# --- event triggers ---


def forbidding(*tags: str, when: str = "true") -> list[str]:
    only = f" WHEN TAG IN ({', '.join(repr(tag) for tag in tags)})" if tags else ""
    return [
        "CREATE FUNCTION forbid() RETURNS event_trigger LANGUAGE plpgsql AS"
        f" $$BEGIN IF {when} THEN RAISE EXCEPTION 'ask the DBA'; END IF; END$$",
        f'CREATE EVENT TRIGGER "By the DBA" ON ddl_command_start{only} EXECUTE FUNCTION forbid()',
    ]


@pytest.mark.parametrize(
    "tag", ["CREATE TABLE", "ALTER TABLE", "CREATE INDEX", "CREATE FUNCTION", "CREATE POLICY", "GRANT", "DROP TRIGGER"]
)
def test_an_event_trigger_that_forbids_is_named(shop: Scratch, plan: str, manage: Manage, tag: str) -> None:
    assert manage(shop, "migrate").returncode == 0
    for statement in forbidding(tag):
        rows(shop.admin_url, statement)

    with unchanged(shop):
        done = manage(shop, "migrate_tenants", "run", "--yes", "--plan", plan)

    told = " ".join(done.stdout.split())
    assert done.returncode == 1, said(done)
    assert f"{tag} is refused in the schema public: ask the DBA." in told
    assert 'ALTER EVENT TRIGGER "By the DBA" DISABLE' in told
    assert "001_schema_fixes" not in done.stdout
    rows(shop.admin_url, 'ALTER EVENT TRIGGER "By the DBA" DISABLE')
    assert manage(shop, "migrate_tenants", "run", "--yes", "--plan", plan).returncode == 0


def test_one_that_looks_at_names_is_a_warning_and_others_are_none(shop: Scratch, plan: str, manage: Manage) -> None:
    assert manage(shop, "migrate").returncode == 0
    for statement in forbidding("CREATE TABLE", when="current_query() LIKE '%payroll%'"):
        rows(shop.admin_url, statement)
    rows(shop.admin_url, "CREATE TABLE ddl (tag text)")
    rows(
        shop.admin_url,
        "CREATE FUNCTION noted() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS"
        " $$BEGIN RAISE NOTICE 'seen'; INSERT INTO public.ddl VALUES (tg_tag); END$$",
    )
    rows(shop.admin_url, "CREATE EVENT TRIGGER noted ON ddl_command_end EXECUTE FUNCTION noted()")

    done = manage(shop, "migrate_tenants", "run", "--only", "000", "--yes", "--plan", plan)

    told = " ".join(done.stdout.split())
    assert done.returncode == 0, said(done)
    assert "the event trigger By the DBA fires for CREATE TABLE and may refuse it" in told
    assert "noted" not in told
    assert rows(shop.admin_url, "SELECT * FROM ddl WHERE tag LIKE 'DROP%' OR tag = 'CREATE POLICY'") == []


# --- loads, and sequences ---


def force_owner(plan: str) -> None:
    text = Path(plan).read_text(encoding="utf-8")
    assert "\nforce_owner = false\n" in text
    Path(plan).write_text(text.replace("force_owner = false", "force_owner = true"), encoding="utf-8")


def test_who_loads_with_copy_is_told_before(shop: Scratch, plan: str, manage: Manage) -> None:
    force_owner(plan)

    done = manage(shop, "migrate_tenants", "run", "--only", "000", "--yes", "--plan", plan)

    told = " ".join(done.stdout.split())
    assert done.returncode == 0, said(done)
    assert (
        f"{OWNER} can load no more rows with COPY … FROM into 2 tables (items, stores) once 006 has closed them" in told
    )
    assert "INSERT … SELECT" in told
    assert "or say force_owner = false in the plan" in told


def test_it_is_so_and_the_way_that_is_told_works(shop: Scratch, plan: str, manage: Manage) -> None:
    force_owner(plan)
    assert manage(shop, "migrate_tenants", "run", "--yes", "--plan", plan).returncode == 0

    with psycopg.connect(shop.owner_url) as connection, pytest.raises(psycopg.errors.FeatureNotSupported):
        connection.execute("COPY items (id, store_id) FROM STDIN")
    with psycopg.connect(shop.owner_url) as connection:
        connection.execute("CREATE TABLE loaded (id bigint, store_id bigint)")
        with connection.cursor().copy("COPY loaded FROM STDIN") as copy:
            copy.write_row((77, 2))
        connection.execute("INSERT INTO items (id, store_id) SELECT * FROM loaded")
    assert rows(shop.admin_url, "SELECT i.tenant_id = s.tenant_id FROM items AS i JOIN stores AS s ON s.id = 2"
                " WHERE i.id = 77") == [(True,)]  # fmt: skip


@pytest.mark.parametrize("sequence", ["identity", "serial", "own"])
def test_a_sequence_that_runs_out_is_named(legacy: Scratch, manage: Manage, sequence: str) -> None:
    """VITAL adds its tenants to the table that is there."""
    added = {
        "identity": "ALTER TABLE tenants ADD COLUMN number int GENERATED ALWAYS AS IDENTITY (MAXVALUE 2)",
        "serial": "ALTER TABLE tenants ADD COLUMN number smallserial; SELECT setval('tenants_number_seq', 32766)",
        "own": "CREATE SEQUENCE n MAXVALUE 2; ALTER TABLE tenants ADD COLUMN number int DEFAULT nextval('n')",
    }
    for statement in added[sequence].split(";"):
        rows(legacy.owner_url, statement)

    done = manage(legacy, "migrate_tenants", "run", "--only", "000", "--yes")

    told = " ".join(done.stdout.split())
    assert done.returncode == 1, said(done)
    assert "tenants: VITAL adds rows to it (3 at most), and the sequence" in told
    assert "of its column number has 1 values left. Give it more: ALTER TABLE tenants" in told
    for statement in told.partition("Give it more: ")[2].split("; ")[:2]:
        rows(legacy.owner_url, statement.partition(" MAXVALUE")[0] + " MAXVALUE" * ("MAXVALUE" in statement))
    assert "values left" not in manage(legacy, "migrate_tenants", "run", "--only", "000", "--yes").stdout
