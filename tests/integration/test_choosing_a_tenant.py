"""However many tenants there are, a page has few options and links for them; without scripts a tenant is written."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from migrations_ops.admin.filters import TENANTS
from tenants.models import TenantRecord
from tests.support import databases
from tests.support.admin_client import page_text, platform_admin
from tests.support.cast import PHARMA
from tests.support.databases import Scratch
from tests.support.in_process_django import django_on

MANY = """
    INSERT INTO tenants (name, slug, compliance_level, is_active)
    SELECT 'Another ' || n, 'another-' || n, 'standard', true FROM generate_series(1, 60) AS n
"""
QUEUE = {"table": "public.users", "check": "rows of users that match no rule"}
FORMS = ("tenants_membership_add", "tenants_apikey_add", "tenants_tenantrecord_new", "migrations_ops_finding_queue")


@pytest.fixture(scope="module")
def admin(migrated_template: Scratch, django_db_blocker: Any) -> Iterator[Client]:
    """The Platform's admin of a service with many tenants."""
    scratch = databases.clone(migrated_template)
    databases.rows(scratch.admin_url, MANY)
    with django_on(scratch.owner_url, django_db_blocker):
        yield platform_admin()
    databases.drop(scratch)


@pytest.mark.parametrize("name", FORMS)
def test_a_form_has_no_option_for_each_tenant(name: str, admin: Client) -> None:
    page = admin.get(reverse(f"admin:{name}")).content.decode()

    assert "data-ajax--url" in page
    assert "another-" not in page
    assert "Another " not in page


@pytest.mark.parametrize("chosen", ["", PHARMA])
def test_a_list_has_few_links_to_rows_of_tenants(chosen: str, admin: Client) -> None:
    asked = {"tenant__id__exact": chosen} if chosen else {}
    page = admin.get(reverse("admin:catalog_tool_changelist"), asked).content.decode()

    tenants = set(re.findall(r'href="\?[^"]*tenant__id__exact=([0-9a-f-]{36})', page))
    assert TENANTS <= len(tenants) <= TENANTS + 1
    assert not chosen or chosen in tenants
    assert "Others: on the tenant" in page


@pytest.mark.parametrize("written", ["pharma", "PHARMA", "Pharmaceuticals", " pharmaceuticals "])
def test_a_decision_takes_a_tenant_that_is_written(written: str, admin: Client) -> None:
    address = reverse("admin:migrations_ops_finding_queue")
    page = admin.get(address, QUEUE).content.decode()
    key = re.findall(r'name="_selected_action" value="([^"]+)"', page)[0]
    assert re.search(r'<noscript><input type="text" name="tenant"', page)

    # Without scripts a browser sends the empty choice before what is written.
    sent = {"tenant": ["", written], "reason": "their contract", "_selected_action": key}
    preview = admin.post(f"{address}?table={QUEUE['table']}&check={QUEUE['check']}", sent).content.decode()

    assert 'name="tenant" value="pharma"' in preview
    assert 'name="token" value=""' not in preview


@pytest.mark.parametrize("written", ["", "nobody", "\0", "f7aa6fd4", "another"])
def test_what_names_no_tenant_is_refused(written: str, admin: Client) -> None:
    sent = {"user": "1", "tenant_id": written, "role": "user"}
    answer = admin.post(reverse("admin:tenants_membership_add"), sent)

    assert answer.status_code == 200
    assert answer.context["adminform"].form.errors["tenant_id"]


def test_a_new_tenant_begins_like_a_written_one(admin: Client) -> None:
    address = reverse("admin:tenants_tenantrecord_new")
    form = {"name": "Written", "slug": "written", "like": ["", "Pharmaceuticals"], "reason": "contract 18"}
    asked = admin.post(address, form)
    chosen = re.findall(r'<option value="([^"]+)" selected', asked.content.decode())
    assert chosen == ["pharma"]

    admin.post(address, form | {"like": chosen, "confirmed": "yes"})

    like = TenantRecord.objects.get(slug="pharma")
    assert TenantRecord.objects.get(slug="written").settings == like.settings
    assert "Written" in page_text(admin, reverse("admin:tenants_tenantrecord_changelist"), q="written")
