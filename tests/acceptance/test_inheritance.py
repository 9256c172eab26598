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


def test_a_plan_of_both_is_refused_before_anything_changes(empty: Scratch, manage: Manage, tmp_path: Path) -> None:
    plan = planned(empty, manage, tmp_path)
    before = dump_platform(empty)
    plan.write_text(plan.read_text(encoding="utf-8") + THE_HEIR, encoding="utf-8")

    done = manage(empty, "migrate_tenants", "run", "--yes", "--plan", str(plan))

    assert done.returncode == 1, said(done)
    assert "returns: inherits from public.orders" in done.stdout, said(done)
    assert dump_platform(empty) == before
