"""References into another tenant in the admin: from a finding to the ways to resolve it, a preview, a yes, and back."""

import re
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from migrations_ops.models import Finding
from tests.support.admin_client import visible_text
from tests.support.databases import Scratch, rows
from tests.support.in_process_django import django_on

CHECK = "references into another tenant"
GROUPS = "admin:migrations_ops_finding_references"


@pytest.fixture
def admin(migrated: Scratch, django_db_blocker: pytest.FixtureRequest) -> Iterator[Client]:
    with django_on(migrated.owner_url, django_db_blocker):
        settings.SESSION_COOKIE_SECURE = False
        client = Client()
        client.force_login(User.objects.create_superuser("platform-admin"))
        yield client


def link_in(page: str, words: str) -> str:
    found = re.search(rf'href="([^"]+)"[^>]*>{re.escape(words)}', page)
    assert found, f"no link {words!r}"
    return found[1].replace("&amp;", "&")


def test_a_finding_leads_to_its_ways_and_one_is_carried_out_and_undone(admin: Client, migrated: Scratch) -> None:
    finding = Finding.objects.filter(check_name=CHECK, relation="public.knowledge_base").order_by("key").first()
    assert finding
    source = f"SELECT source_id::text FROM knowledge_base WHERE id::text = '{finding.key}'"
    before = rows(migrated.admin_url, source)
    page = admin.get(reverse("admin:migrations_ops_finding_change", args=[finding.pk])).content.decode()
    of_row = admin.get(link_in(page, "Resolve the reference")).content.decode()
    group = link_in(of_row, "knowledge_base, by source_id")
    assert visible_text(admin.get(group).content.decode()).count("Copy the rows referred to") == 1

    form = {"way": "copy", "reason": "contract 17"}
    shown = admin.post(group, form).content.decode()
    assert "copied for" in visible_text(shown)
    assert "can be read by" in visible_text(shown)
    assert rows(migrated.admin_url, source) == before
    token = re.search(r'name="token" value="([^"]+)"', shown)
    assert token
    done = visible_text(admin.post(group, form | {"token": token[1]}, follow=True).content.decode())

    number = re.search(r"Resolution (\d+): 1 resolved", done)
    assert number, done
    assert rows(migrated.admin_url, source) != before
    audited = "SELECT who, reason FROM vital.audit WHERE action = 'resolve references'"
    assert rows(migrated.admin_url, audited) == [("platform-admin", "contract 17")]

    undo = {"number": number[1], "reason": "a mistake"}
    undone = visible_text(admin.post(reverse(f"{GROUPS}_undo"), undo, follow=True).content.decode())
    assert f"Resolution {number[1]} is undone." in undone
    assert rows(migrated.admin_url, source) == before


def test_what_is_not_possible_is_said_and_cannot_be_confirmed(admin: Client) -> None:
    address = f"{reverse(GROUPS)}?table=conversations&columns=nothing&tenant=pharma&parent_tenant=digital-health"

    refused = admin.post(address, {"way": "copy", "reason": "x"}).content.decode()

    assert "refers by" in visible_text(refused)
    assert "Confirm" not in visible_text(refused)


def test_it_is_for_those_who_may_do_everything(admin: Client, migrated: Scratch) -> None:
    onlooker = Client()
    onlooker.force_login(User.objects.create_user("onlooker", is_staff=True))
    before = rows(migrated.admin_url, "SELECT count(*) FROM vital.audit")

    assert onlooker.get(reverse(GROUPS)).status_code == 403
    assert onlooker.post(reverse(f"{GROUPS}_undo"), {"number": "1", "reason": "x"}).status_code == 403
    assert rows(migrated.admin_url, "SELECT count(*) FROM vital.audit") == before
