"""The plain admin pages: every one opens, and rows show their tenant and the rule that put them there."""

import re
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.contrib.admin import autodiscover, site
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from migrations_ops.models import Finding
from tests.support.admin_client import visible_text
from tests.support.cast import PHARMA
from tests.support.databases import Scratch, rows
from tests.support.in_process_django import django_on
from vital.db import own_schema


@pytest.fixture
def on_migrated(migrated: Scratch, django_db_blocker: pytest.FixtureRequest) -> Iterator[None]:
    """Django's connection led to a migrated database for a while."""
    with django_on(migrated.owner_url, django_db_blocker):
        yield


@pytest.fixture
def admin(on_migrated: None) -> Client:
    settings.SESSION_COOKIE_SECURE = False
    client = Client()
    client.force_login(User.objects.create_superuser("platform-admin"))
    return client


def test_every_list_opens(admin: Client) -> None:
    autodiscover()  # as the first request does
    models = [model for model in site._registry if model._meta.app_label in {"tenants", "migrations_ops", "catalog"}]
    assert len(models) >= 11

    for model in models:
        page = admin.get(reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"))
        assert page.status_code == 200, model


def test_rows_show_tenant_and_rule_and_are_filtered_by_tenant(admin: Client) -> None:
    page = admin.get(reverse("admin:catalog_agent_changelist"), {"tenant__id__exact": PHARMA}).content.decode()
    rows = page.split('id="result_list"')[1].split("</table>")[0]

    assert rows.count("tier 3 agents of pharma") >= 7
    assert "agents of tier 1 and 2" not in rows


def test_findings_are_decided_here_after_a_look(admin: Client, migrated: Scratch) -> None:
    chosen = list(Finding.objects.filter(relation="public.users", check_name__contains="no rule").order_by("key")[:2])
    asked = {"action": "decide", "_selected_action": [finding.pk for finding in chosen]}
    page = reverse("admin:migrations_ops_finding_changelist")
    form = asked | {"tenant": "pharma", "reason": "they work there"}

    assert "Preview" in admin.post(page, asked).content.decode()
    foreseen = admin.post(page, form)
    assert "users: 2 rows from no tenant to Pharmaceuticals" in visible_text(foreseen.content.decode())
    assert tenants(migrated, chosen) == [None, None]
    token = re.search(r'name="token" value="(\w+)"', foreseen.content.decode())
    assert token
    done = admin.post(page, form | {"token": token[1]}, follow=True).content.decode()

    assert "2 of 2 decisions are carried out." in done
    assert tenants(migrated, chosen) == [PHARMA, PHARMA]
    who = rows(migrated.admin_url, "SELECT DISTINCT decided_by, reason FROM vital.override")
    assert who == [("platform-admin", "they work there")]


def tenants(database: Scratch, findings: list[Finding]) -> list[str | None]:
    found = dict(rows(database.admin_url, "SELECT id::text, tenant_id::text FROM users"))
    return [found[finding.key] for finding in findings]


def test_nothing_can_be_changed_here(admin: Client) -> None:
    for name in ("catalog_tool", "migrations_ops_ledgerentry", "tenants_tenantrecord"):
        assert admin.get(reverse(f"admin:{name}_add")).status_code == 403, name


def test_a_person_without_staff_rights_is_sent_to_the_login(on_migrated: None) -> None:
    stranger = Client()
    stranger.force_login(User.objects.create_user("stranger"))

    page = stranger.get(reverse("admin:catalog_tool_changelist"))

    assert page.status_code == 302
    assert "login" in page["Location"]


def test_before_the_migration_rows_have_no_page(legacy: Scratch, django_db_blocker: pytest.FixtureRequest) -> None:
    with django_on(legacy.owner_url, django_db_blocker):
        own_schema.bring_up_to_date()
        client = Client()
        client.force_login(User.objects.create_superuser("early-admin"))
        page = client.get(reverse("admin:catalog_tool_changelist"), follow=True).content.decode()

    assert "run ./manage.py migrate_tenants first" in page
