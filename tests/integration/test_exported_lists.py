"""A list is exported as CSV: what its filter shows, under the reader's rights, bounded, written down, safe to open."""

import csv
import io
from unittest.mock import patch

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from tenants.admin import csv_export
from tests.integration.test_staff_of_a_tenant import LISTS, OTHERS, database, logged_in
from tests.support import databases
from tests.support.cast import PHARMA
from tests.support.databases import Scratch

__all__ = ["database"]  # the fixture: the cast, its staff, and the service's own login
AUDIT = "SELECT who, action, facts FROM vital.audit WHERE action LIKE 'export%' ORDER BY id DESC LIMIT 2"
PLATFORM_LISTS = (
    "catalog_tool", "catalog_knowledgechunk", "migrations_ops_ledgerentry", "migrations_ops_finding",
    "migrations_ops_override", "migrations_ops_auditevent", "migrations_ops_run", "tenants_tenantrecord",
    "tenants_tenant", "tenants_apikey", "tenants_membership", "auth_user", "auth_group",
)  # fmt: skip


@pytest.fixture(scope="module")
def admin(database: Scratch) -> Client:
    return logged_in("the-platform")


def exported(client: Client, name: str, query: str = "") -> list[list[str]]:
    answer = client.get(reverse(f"{name}_export") + query)
    assert answer.status_code == 200, (name, answer.status_code)
    assert answer["Content-Type"].startswith("text/csv")
    return list(csv.reader(io.StringIO(answer.getvalue().decode())))


@pytest.mark.parametrize("name", PLATFORM_LISTS)
def test_every_list_of_the_platforms_admins_can_be_exported(admin: Client, name: str) -> None:
    head, *lines = exported(admin, f"admin:{name}")

    assert head[0] == "key"
    assert all(len(line) == len(head) for line in lines)
    assert not any("<" in cell and ">" in cell for line in lines for cell in line), "text, no markup"


def test_the_filter_of_the_list_is_that_of_the_file(admin: Client, database: Scratch) -> None:
    ((rows,),) = databases.rows(database.admin_url, "SELECT count(*) FROM tools WHERE tenant_id = %s", [PHARMA])
    head, *lines = exported(admin, "admin:catalog_tool", f"?tenant__id__exact={PHARMA}")

    assert len(lines) == rows > 0
    assert {line[head.index("tenant")] for line in lines} == {"Pharmaceuticals"}
    ended, started = databases.rows(database.admin_url, AUDIT)
    assert started == ("the-platform", "export", {"list": "tools", "filter": f"tenant__id__exact={PHARMA}"})
    assert ended[1:] == ("export ended", started[2] | {"rows": rows, "cut": False})


def test_rows_of_a_rule_are_exported_by_the_ledger(admin: Client, database: Scratch) -> None:
    head, *every = exported(admin, "admin:catalog_agent")
    rule = every[0][head.index("rule")]
    _, *lines = exported(admin, "admin:catalog_agent", f"?rule={rule}")

    assert {line[0] for line in lines} == {line[0] for line in every if line[head.index("rule")] == rule}


def test_a_long_list_is_cut_and_says_so(admin: Client, database: Scratch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "EXPORT_ROWS", 7)
    monkeypatch.setattr(csv_export, "AT_ONCE", 3)
    *lines, last = exported(admin, "admin:catalog_tool")

    assert len(lines) == 1 + 7
    assert "cut after 7" in last[0]
    assert databases.rows(database.admin_url, AUDIT)[0][2]["cut"] is True


def test_rows_come_by_a_cursor_of_the_server(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_export, "AT_ONCE", 5)
    with patch.object(connection, "chunked_cursor", wraps=connection.chunked_cursor) as asked:
        _, *lines = exported(admin, "admin:catalog_tool")

    assert asked.called
    assert len(lines) > 5


@pytest.mark.parametrize("model", LISTS)
@pytest.mark.parametrize("query", ["", "?q=zebra", "?whose=shared", "?whose=own"])
def test_a_tenants_staff_exports_its_own_rows_and_the_shared_ones(database: Scratch, model: str, query: str) -> None:
    answer = logged_in("pharma-staff").get(reverse(f"own:catalog_{model}_export") + query)
    shown = answer.getvalue().decode().lower()

    assert answer.status_code == 200
    assert not any(other in shown for other in OTHERS)
    if model == "tool" and query == "?q=zebra":
        assert "zebra of pharma" in shown
        who, action, facts = databases.rows(database.admin_url, AUDIT)[0]
        rows = len(list(csv.reader(io.StringIO(shown)))) - 1
        assert (who, action, facts["tenant"], facts["rows"]) == ("pharma-staff", "export ended", PHARMA, rows)


@pytest.mark.parametrize("name", ["pharma-staff", "of-none", "nobody"])
def test_whoever_may_not_open_the_list_exports_nothing(database: Scratch, name: str) -> None:
    before = databases.rows(database.admin_url, AUDIT)
    client = logged_in(name)
    for address in (f"admin:{one}_export" for one in PLATFORM_LISTS):
        answer = client.get(reverse(address))
        assert answer.status_code in (302, 403), address
        assert "csv" not in answer["Content-Type"]
    assert databases.rows(database.admin_url, AUDIT) == before


def test_an_odd_filter_is_no_error_of_ours(admin: Client) -> None:
    assert admin.get(reverse("admin:catalog_tool_export") + "?tenant__id__exact=x").status_code in (302, 400)


@given(st.text())
def test_no_cell_is_a_formula_and_none_is_changed_otherwise(text: str) -> None:
    cell = csv_export.safe(text)

    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert cell.removeprefix("'") == text.removeprefix("'")
    assert (cell == text) == (not text.startswith(csv_export.FORMULA))


@pytest.mark.parametrize("start", csv_export.FORMULA)
def test_a_formula_in_a_row_leaves_as_text(admin: Client, database: Scratch, start: str) -> None:
    ((key,),) = databases.rows(database.admin_url, "SELECT id::text FROM tools ORDER BY id LIMIT 1")
    ((before,),) = databases.rows(database.admin_url, "SELECT name FROM tools WHERE id = %s", [key])
    change = "UPDATE tools SET name = %s WHERE id = %s"
    databases.rows(database.admin_url, change, [f"{start}HYPERLINK(1)", key])
    try:
        found = next(line for line in exported(admin, "admin:catalog_tool") if line[0] == key)
    finally:
        databases.rows(database.admin_url, change, [before, key])

    assert found[1] == f"'{start}HYPERLINK(1)"
