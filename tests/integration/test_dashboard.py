"""The first page says what to do next, at every moment of a migration, and shows how everything stands."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from migrations_ops.reports import service as reports
from tests.support import admin_client
from tests.support.admin_client import platform_admin
from tests.support.command_results import Manage, said
from tests.support.databases import Scratch, rows
from tests.support.in_process_django import django_on

On = Callable[[Scratch], AbstractContextManager[None]]


@pytest.fixture
def on(django_db_blocker: Any) -> On:
    return lambda scratch: django_on(scratch.owner_url, django_db_blocker)


def first_page() -> str:
    """What it says now; it remembers its figures for seconds."""
    reports._now.forget()
    reports._ownership.forget()
    reports._traffic.forget()
    return admin_client.visible_text(platform_admin().get("/admin/").content.decode())


def boss_again() -> Client:
    """The same person; what the page remembers is not forgotten for them."""
    client = Client()
    client.force_login(User.objects.get(username="platform-admin"))
    return client


def test_before_anything_it_leads_to_the_first_phase(legacy: Scratch, on: On, manage: Manage) -> None:
    assert manage(legacy, "migrate", "--verbosity", "0").returncode == 0
    with on(legacy):
        page = first_page()

    assert "000_pre_validation is next" in page
    assert "There are no runs yet." in page
    assert "Isolation is off" in page


def test_in_the_midst_of_it_the_next_phase_and_rows_without_a_tenant_are_told(prepared: Scratch, on: On) -> None:
    with on(prepared):
        page = first_page()

    assert "003_platform_data is next" in page
    assert "no tenant: " in page
    assert "Tenant setup completed" in page


def test_a_failed_phase_comes_before_everything_else(prepared: Scratch, on: On, manage: Manage) -> None:
    rows(prepared.owner_url, "ALTER TABLE agents DROP COLUMN tier")
    failed = manage(prepared, "migrate_tenants", "--yes")
    assert failed.returncode != 0, said(failed)
    with on(prepared):
        page = first_page()

    assert "000_pre_validation failed: 000_pre_validation: " in page
    assert "Open run" in page


def test_afterwards_findings_wait_and_everybodys_part_is_shown(migrated: Scratch, on: On) -> None:
    ((pharmas,),) = rows(
        migrated.admin_url,
        "SELECT count(*) FROM agents JOIN tenants AS t ON t.id = tenant_id WHERE t.slug = 'pharma'",
    )
    with on(migrated):
        page = first_page()

    assert "findings need a decision" in page
    assert f"agents, Pharmaceuticals: {pharmas}" in page
    assert "Isolation is on" in page
    assert "Row level security completed" in page


@pytest.mark.slow
def test_the_figures_are_fresh_right_after_a_change(prepared: Scratch, on: On, manage: Manage) -> None:
    with on(prepared):
        before = first_page()
        run = manage(prepared, "migrate_tenants", "--to", "004", "--yes")
        after = admin_client.visible_text(boss_again().get("/admin/").content.decode())

    assert run.returncode == 0, said(run)
    assert "Tenant data pending" in before
    assert "Tenant data completed" in after
    assert "Pharmaceuticals: " in after.partition("Rows by tenant")[2]


def test_what_has_moved_since_is_told(migrated: Scratch, on: On) -> None:
    rows(migrated.admin_url, "ALTER TABLE prompts NO FORCE ROW LEVEL SECURITY")
    with on(migrated):
        page = first_page()

    assert "prompts : row level security is not on and forced" in page
    assert "Not isolated: prompts" in page


def test_roles_for_which_isolation_is_not_enforced_are_told(migrated: Scratch, on: On) -> None:
    rows(migrated.admin_url, "CREATE ROLE dashboard_gate LOGIN NOINHERIT; CREATE ROLE dashboard_visitor")
    try:
        rows(migrated.admin_url, "GRANT dashboard_visitor TO dashboard_gate")
        rows(migrated.admin_url, "GRANT SELECT ON tools TO dashboard_visitor")
        with on(migrated):
            page = first_page()
    finally:
        rows(migrated.admin_url, "DROP OWNED BY dashboard_visitor; DROP ROLE dashboard_gate, dashboard_visitor")

    assert "Isolation is not enforced for every role" in page
    assert "dashboard_visitor reads tools. Bind it: [[bind]] role" in page
