"""A row that refuses its tenant stops nothing where the plan says so: it is a finding with the reason, everywhere."""

import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support import background, databases
from tests.support.command_results import Manage, document, said
from tests.support.database_state import decided_twice, dump_platform
from tests.support.databases import Scratch, rows
from tests.support.queries import scalar

SHOP = [
    "CREATE TABLE stores (id bigint PRIMARY KEY, name text NOT NULL)",
    "CREATE TABLE items (id bigint PRIMARY KEY, store_id bigint NOT NULL REFERENCES stores, sku text)",
    "CREATE TABLE visits (id bigint PRIMARY KEY, store_id bigint NOT NULL REFERENCES stores, note text)"
    " PARTITION BY HASH (id)",
    "CREATE TABLE visits_0 PARTITION OF visits FOR VALUES WITH (MODULUS 2, REMAINDER 0)",
    "CREATE TABLE visits_1 PARTITION OF visits FOR VALUES WITH (MODULUS 2, REMAINDER 1)",
    "INSERT INTO stores VALUES (1, 'Digital Health'), (2, 'Pharma')",
    "INSERT INTO items SELECT n, 1 + n % 2, CASE n % 400 WHEN 7 THEN 'locked' ELSE 'free' END"
    " FROM generate_series(1, 2000) AS n",
    "INSERT INTO visits SELECT n, 1 + n % 2, CASE n WHEN 33 THEN 'locked' WHEN 44 THEN 'locked' END"
    " FROM generate_series(1, 300) AS n",
]
LOCKS = [
    "CREATE FUNCTION locked() RETURNS trigger LANGUAGE plpgsql AS"
    " $$BEGIN RAISE EXCEPTION 'period is closed' USING DETAIL = 'Balance of Pharma: 77'; END$$",
    "CREATE TRIGGER locked AFTER UPDATE ON items FOR EACH ROW WHEN (NEW.sku = 'locked') EXECUTE FUNCTION locked()",
    "CREATE TRIGGER locked AFTER UPDATE ON visits FOR EACH ROW WHEN (NEW.note = 'locked') EXECUTE FUNCTION locked()",
]
REFUSING = {"items": {"7", "407", "807", "1207", "1607"}, "visits": {"33", "44"}}
REASON = "refuses its tenant: period is closed (SQLSTATE P0001). Correct the row, or what refuses it, and run again"
NO_TENANT = "SELECT id::text FROM {} WHERE tenant_id IS NULL"


@pytest.fixture
def shop(empty: Scratch) -> Scratch:
    for statement in [*SHOP, *LOCKS]:
        rows(empty.owner_url, statement)
    return empty


@pytest.fixture
def plan(shop: Scratch, manage: Manage, tmp_path: Path) -> Path:
    """As init-plan writes it, with leave for rows that refuse."""
    out = tmp_path / "plan.toml"
    done = manage(shop, "migrate_tenants", "init-plan", "--out", str(out))
    assert done.returncode == 0, said(done)
    text = out.read_text()
    for table in REFUSING:
        text = text.replace(f'name = "public.{table}"\n', f'name = "public.{table}"\nfailing = "find"\n')
    out.write_text(text.replace("critical = true\n", ""))
    return out


def left(shop: Scratch) -> dict[str, set[str]]:
    return {table: {key for (key,) in rows(shop.admin_url, NO_TENANT.format(table))} for table in REFUSING}


def found(shop: Scratch, manage: Manage, plan: Path) -> dict[str, set[str]]:
    done = manage(shop, "migrate_tenants", "findings", "--json", "--keys", "--plan", str(plan))
    told = document(done)
    open_rows = [row for row in told["rows"] if row["kind"] == "failing" and row["state"] == "open"]
    assert {row["message"] for row in open_rows} <= {REASON}
    assert "Balance" not in done.stdout
    return {table: {row["key"] for row in open_rows if row["table"] == table} for table in REFUSING}


@pytest.mark.slow
def test_the_rest_goes_the_whole_way_and_a_later_run_tries_again(shop: Scratch, manage: Manage, plan: Path) -> None:
    before = dump_platform(shop)
    done = manage(shop, "migrate_tenants", "run", "--yes", "--plan", str(plan))

    assert done.returncode == 0, said(done)
    assert left(shop) == REFUSING
    assert found(shop, manage, plan) == REFUSING
    assert "rows have refused the tenant" in " ".join(done.stdout.split())
    status = document(manage(shop, "migrate_tenants", "status", "--json"))
    assert status["next"] == "004_tenant_data"
    assert {(one["table"], one["count"]) for one in status["findings"] if "refuse their tenant" in one["check"]} == {
        ("items", 5),
        ("visits", 2),
    }
    told = document(manage(shop, "migrate_tenants", "explain", "items", "7", "--json"))
    assert (told["tenant"], told["refused"]) == (None, "period is closed (SQLSTATE P0001)")

    again = manage(shop, "migrate_tenants", "run", "--yes")
    assert again.returncode == 0, said(again)
    assert (left(shop), found(shop, manage, plan)) == (REFUSING, REFUSING)

    rows(shop.owner_url, "DROP TRIGGER locked ON items")
    done = manage(shop, "migrate_tenants", "run", "--yes")
    assert done.returncode == 0, said(done)
    assert left(shop) == found(shop, manage, plan) == {"items": set(), "visits": REFUSING["visits"]}

    rows(shop.owner_url, "DROP TRIGGER locked ON visits")
    assert manage(shop, "migrate_tenants", "run", "--yes").returncode == 0
    assert "Nothing to do" in manage(shop, "migrate_tenants", "run", "--yes").stdout
    assert decided_twice(shop) == []

    for statement in LOCKS[1:]:
        rows(shop.owner_url, statement.replace("AFTER UPDATE", "AFTER INSERT"))
    rows(shop.owner_url, "DROP TRIGGER locked ON visits")
    rows(shop.owner_url, "DROP TRIGGER locked ON items")
    undone = manage(shop, "migrate_tenants", "undo", "--yes")
    assert undone.returncode == 0, said(undone)
    for statement in LOCKS[1:]:
        rows(shop.owner_url, statement)
    assert dump_platform(shop) == before


def test_an_undo_with_the_rows_left_is_exact(shop: Scratch, manage: Manage, plan: Path) -> None:
    before = dump_platform(shop)
    assert manage(shop, "migrate_tenants", "run", "--yes", "--plan", str(plan)).returncode == 0

    undone = manage(shop, "migrate_tenants", "undo", "--yes")

    assert undone.returncode == 0, said(undone)
    assert dump_platform(shop) == before
    assert scalar(shop, "SELECT count(*) FROM vital.failing_row") == 0


def test_a_critical_table_is_not_done(shop: Scratch, manage: Manage, plan: Path) -> None:
    text = plan.read_text().replace('name = "public.visits"\n', 'name = "public.visits"\ncritical = true\n')
    plan.write_text(text)

    done = manage(shop, "migrate_tenants", "run", "--yes", "--plan", str(plan))

    assert done.returncode == 1, said(done)
    assert "2 rows have refused the tenant" in " ".join(done.stdout.split())
    assert "006_row_level_security" not in done.stdout
    blocking = {
        group["table"]
        for group in document(manage(shop, "migrate_tenants", "findings", "--json"))["findings"]
        if group["kind"] == "failing" and group["blocking"]
    }
    assert blocking == {"visits"}


@pytest.mark.slow
def test_beyond_the_limit_it_stops_and_says_why(shop: Scratch, manage: Manage, plan: Path) -> None:
    text = plan.read_text()
    plan.write_text(text.replace('failing = "find"\n', 'failing = "find"\nfailing_limit = 3\n'))

    stopped = manage(shop, "migrate_tenants", "run", "--yes", "--plan", str(plan))

    told = " ".join(stopped.stderr.split())
    assert stopped.returncode == 1, said(stopped)
    assert "4 rows of public.items refuse their new tenant_id, and the plan leaves 3 at most (failing_limit)" in told
    assert "period is closed (SQLSTATE P0001)" in told
    assert "Balance" not in told
    rows(shop.owner_url, "UPDATE items SET sku = 'free' WHERE false")
    rows(shop.owner_url, "DROP TRIGGER locked ON items")

    done = manage(shop, "migrate_tenants", "run", "--yes")

    assert done.returncode == 0, said(done)
    assert left(shop) == {"items": set(), "visits": REFUSING["visits"]}


def test_without_leave_the_first_one_stops_the_run(shop: Scratch, manage: Manage, plan: Path) -> None:
    plan.write_text(plan.read_text().replace('failing = "find"\n', ""))

    stopped = manage(shop, "migrate_tenants", "run", "--yes", "--plan", str(plan))

    assert stopped.returncode == 1, said(stopped)
    assert "period is closed (SQLSTATE P0001)" in " ".join(stopped.stderr.split())
    assert len(left(shop)["items"]) == 2000


@pytest.mark.slow
def test_a_decision_about_such_a_row_waits_and_says_why(shop: Scratch, manage: Manage, plan: Path) -> None:
    assert manage(shop, "migrate_tenants", "run", "--yes", "--plan", str(plan)).returncode == 0
    slug = scalar(shop, "SELECT slug FROM vital.registry WHERE name = 'Pharma'")

    done = manage(shop, "migrate_tenants", "decide", "items", "7", str(slug), "--reason", "theirs", "--yes", "--json")

    told = document(done)
    assert told.get("carried_out") == 0, said(done)
    assert "period is closed" in told["waits"]
    rows(shop.owner_url, "DROP TRIGGER locked ON items")
    assert manage(shop, "migrate_tenants", "run", "--yes").returncode == 0
    assert left(shop)["items"] == set()


@pytest.mark.slow
def test_000_tells_rows_that_will_be_left_and_refuses_too_many(shop: Scratch, manage: Manage, plan: Path) -> None:
    rows(shop.owner_url, "DROP FUNCTION locked() CASCADE")
    rows(shop.owner_url, "ALTER TABLE items ADD CONSTRAINT open CHECK (sku <> 'locked') NOT VALID")
    preview = manage(shop, "migrate_tenants", "preview", "--json", "--plan", str(plan))
    [told] = document(preview)["tables"]["items"]["refused"]
    assert told.startswith("5 rows break its check open")
    assert told.endswith("it will leave them as findings")

    done = manage(shop, "migrate_tenants", "run", "--yes", "--plan", str(plan))

    assert done.returncode == 0, said(done)
    assert "5 rows break its check open" in " ".join(done.stdout.split())
    assert left(shop)["items"] == REFUSING["items"]

    assert manage(shop, "migrate_tenants", "undo", "--yes").returncode == 0
    plan.write_text(plan.read_text().replace('failing = "find"\n', 'failing = "find"\nfailing_limit = 4\n'))
    refused = manage(shop, "migrate_tenants", "run", "--yes", "--plan", str(plan))
    assert refused.returncode == 1, said(refused)
    assert "001_schema_fixes" not in refused.stdout


# --- several workers, killed ---


@pytest.fixture(scope="module")
def wide_template(server_url: str) -> Iterator[Scratch]:
    """Pages enough for several chunks, and a row that refuses in each part of them."""
    scratch = databases.create_empty(server_url)
    for statement in SHOP[:1] + SHOP[2:6]:
        rows(scratch.owner_url, statement)
    made = [
        "CREATE TABLE items (id bigint PRIMARY KEY, store_id bigint NOT NULL REFERENCES stores, sku text)"
        " WITH (fillfactor = 10)",
        "INSERT INTO items SELECT n, 1 + n % 2, CASE WHEN n % 999 = 7 THEN 'locked' ELSE repeat('x', 60) END"
        " FROM generate_series(1, 24000) AS n",
        "VACUUM ANALYZE items",
    ]
    for statement in [*made, *LOCKS]:
        rows(scratch.owner_url, statement)
    yield scratch
    databases.drop(scratch)


@pytest.fixture
def wide(wide_template: Scratch) -> Iterator[Scratch]:
    scratch = databases.clone(wide_template)
    yield scratch
    databases.drop(scratch)


@pytest.mark.slow
def test_several_workers_that_are_killed_leave_exactly_these(wide: Scratch, manage: Manage, tmp_path: Path) -> None:
    out = tmp_path / "plan.toml"
    assert manage(wide, "migrate_tenants", "init-plan", "--out", str(out)).returncode == 0
    out.write_text(out.read_text().replace('.items"\n', '.items"\nfailing = "find"\n').replace("critical = true\n", ""))
    assert manage(wide, "migrate_tenants", "--to", "002", "--yes", "--plan", str(out)).returncode == 0
    rows(wide.admin_url, "INSERT INTO vital.tuning (name, value, set_by) VALUES ('batch', '20ms', 'the tests')")
    noted = "SELECT count(*) FROM vital.failing_row"
    words = ("migrate_tenants", "--to", "005", "--yes", "--plan", str(out))
    for least in (2, 6):
        with ExitStack() as processes:
            run = processes.enter_context(background.start(wide, *words))
            run.until(lambda: scalar(wide, "SELECT count(*) FROM vital.share WHERE at < last"))
            helper = processes.enter_context(background.start(wide, "migrate_tenants", "work", "--plan", str(out)))
            run.until(lambda least=least: scalar(wide, noted) >= least)  # type: ignore[misc]  # bound now
            helper.kill()
            run.process.send_signal(signal.SIGKILL)
            run.process.wait()

    done = manage(wide, *words, "--workers", "2")

    assert done.returncode == 0, said(done)
    refusing = {key for (key,) in rows(wide.admin_url, "SELECT id::text FROM items WHERE sku = 'locked'")}
    assert {key for (key,) in rows(wide.admin_url, NO_TENANT.format("items"))} == refusing
    assert {
        key
        for (key,) in rows(wide.admin_url, "SELECT key FROM vital.finding WHERE check_name LIKE '%refuse their tenant'")
    } == (refusing)
    assert decided_twice(wide) == []
