"""A table that inherits from another: its rows are the upper one's too, so one of both is planned, and not both."""

import tomllib
from pathlib import Path

from tests.support.command_results import Manage, said
from tests.support.database_state import dump_platform
from tests.support.databases import Scratch, rows

SCHEMA = """
CREATE TABLE stores (id int PRIMARY KEY, name text NOT NULL);
INSERT INTO stores VALUES (1, 'Digital Health'), (2, 'Pharma');
CREATE TABLE orders (id int PRIMARY KEY, store_id int NOT NULL REFERENCES stores, note text);
CREATE TABLE returns (reason text, PRIMARY KEY (id), FOREIGN KEY (store_id) REFERENCES stores) INHERITS (orders);
INSERT INTO orders VALUES (1, 1, 'a'), (2, 2, 'b');
INSERT INTO returns VALUES (3, 2, 'c', 'broken')
"""
THE_HEIR = """
[[table]]
name = "public.returns"
visibility = "private"
columns = { store_id = "integer" }

[[table.rule]]
name = "returns follow stores"
phase = "004_tenant_data"
parent = { column = "store_id", table = "public.stores", key = "id" }
"""


def planned(scratch: Scratch, manage: Manage, folder: Path) -> Path:
    rows(scratch.owner_url, SCHEMA)
    plan = folder / "plan.toml"
    done = manage(scratch, "migrate_tenants", "init-plan", "--out", str(plan))
    assert done.returncode == 0, said(done)
    return plan


def test_the_upper_one_is_planned_and_the_rows_of_both_have_a_tenant(
    empty: Scratch, manage: Manage, tmp_path: Path
) -> None:
    plan = planned(empty, manage, tmp_path)
    before = dump_platform(empty)
    tables = [table["name"] for table in tomllib.loads(plan.read_text(encoding="utf-8"))["table"]]
    assert tables == ["public.stores", "public.orders"]

    done = manage(empty, "migrate_tenants", "run", "--yes", "--plan", str(plan))

    assert done.returncode == 0, said(done)
    whose = "SELECT o.id, r.slug FROM orders AS o JOIN vital.registry AS r ON r.id = o.tenant_id ORDER BY o.id"
    assert rows(empty.admin_url, whose) == [(1, "digital-health"), (2, "pharma"), (3, "pharma")]
    undone = manage(empty, "migrate_tenants", "undo", "--yes", "--plan", str(plan))
    assert undone.returncode == 0, said(undone)
    assert dump_platform(empty) == before


def test_a_row_of_an_heir_without_the_foreign_key_may_refer_to_nothing(
    empty: Scratch, manage: Manage, tmp_path: Path
) -> None:
    """A foreign key is not inherited: what leads every row of the table itself to a tenant leads no row of an heir."""
    rows(empty.owner_url, "CREATE TABLE stores (id int PRIMARY KEY, name text NOT NULL)")
    rows(empty.owner_url, "INSERT INTO stores VALUES (1, 'Digital Health')")
    rows(empty.owner_url, "CREATE TABLE files (id int PRIMARY KEY, store_id int NOT NULL REFERENCES stores)")
    rows(empty.owner_url, "INSERT INTO files VALUES (1, 1)")
    rows(empty.owner_url, "CREATE TABLE attached (PRIMARY KEY (id)) INHERITS (files)")
    rows(empty.owner_url, "INSERT INTO attached VALUES (2, 99)")
    before, plan = dump_platform(empty), tmp_path / "plan.toml"
    planned = manage(empty, "migrate_tenants", "init-plan", "--out", str(plan))
    assert planned.returncode == 0, said(planned)
    assert "critical" not in tomllib.loads(plan.read_text(encoding="utf-8"))["table"][1]

    done = manage(empty, "migrate_tenants", "run", "--yes", "--plan", str(plan))

    assert done.returncode == 0, said(done)
    assert rows(empty.admin_url, "SELECT id, tenant_id IS NULL FROM files ORDER BY id") == [(1, False), (2, True)]
    rows(empty.owner_url, "INSERT INTO attached VALUES (3, 99)")  # as the application has always written them
    rows(empty.owner_url, "DELETE FROM attached WHERE id = 3")
    undone = manage(empty, "migrate_tenants", "undo", "--yes", "--plan", str(plan))
    assert undone.returncode == 0, said(undone)
    assert dump_platform(empty) == before


def test_a_plan_of_both_is_refused_before_anything_changes(empty: Scratch, manage: Manage, tmp_path: Path) -> None:
    plan = planned(empty, manage, tmp_path)
    before = dump_platform(empty)
    plan.write_text(plan.read_text(encoding="utf-8") + THE_HEIR, encoding="utf-8")

    done = manage(empty, "migrate_tenants", "run", "--yes", "--plan", str(plan))

    assert done.returncode == 1, said(done)
    assert "returns: inherits from public.orders" in done.stdout, said(done)
    assert dump_platform(empty) == before
