"""The search finds pages, tenants, rows, runs and findings: for whoever may open them, and nothing is kept."""

import html
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client, RequestFactory
from django.urls import reverse

from migrations_ops.admin.search import found
from migrations_ops.models import Finding
from tests.support import databases
from tests.support.admin_client import platform_admin
from tests.support.cast import DIGITAL_HEALTH
from tests.support.databases import Scratch
from tests.support.in_process_django import django_on


@pytest.fixture(scope="module")
def site(migrated_template: Scratch, django_db_blocker: Any) -> Iterator[tuple[Client, Scratch]]:
    scratch = databases.clone(migrated_template)
    with django_on(scratch.owner_url, django_db_blocker):
        yield platform_admin(), scratch
    databases.drop(scratch)


def results(client: Client, term: str) -> dict[str, str]:
    """Address → title."""
    page = client.get(reverse("admin:search"), {"extended": "1", "s": term}).content.decode()
    found = re.findall(r'href="([^"]+)"\s+data-title="([^"]*)"', page)
    return {html.unescape(address): html.unescape(title) for address, title in found}


def one(scratch: Scratch, statement: str) -> str:
    return str(databases.rows(scratch.admin_url, statement)[0][0])


TERMS: dict[str, tuple[Callable[[Scratch], str], str]] = {
    "a page": (lambda scratch: "ledg", "/admin/migrations_ops/ledgerentry/"),
    "a tenant by its name": (lambda scratch: "harmaceut", "/admin/tenants/tenantrecord/"),
    "a tenant by its slug": (lambda scratch: "digital-h", f"/admin/tenants/tenantrecord/{DIGITAL_HEALTH}/"),
    "a run by its number": (lambda scratch: "1", "/admin/migrations_ops/run/1/"),
    "a run by its name": (lambda scratch: "Run 1", "/admin/migrations_ops/run/1/"),
    "a row by its key": (lambda scratch: one(scratch, "SELECT id FROM agents LIMIT 1"), "/admin/catalog/agent/"),
    "a row by its code": (lambda scratch: one(scratch, "SELECT tool_key FROM tools WHERE tool_key IS NOT NULL LIMIT 1"),
                          "/admin/catalog/tool/"),
    "a row by its name": (lambda scratch: one(scratch, "SELECT name FROM tools LIMIT 1")[:12], "/admin/catalog/tool/"),
    "a finding by its row": (lambda scratch: one(scratch, "SELECT key FROM vital.finding WHERE key <> '' LIMIT 1"),
                             "/admin/migrations_ops/finding/"),
}  # fmt: skip


@pytest.mark.parametrize("what", TERMS)
def test_it_is_found_and_opens(site: tuple[Client, Scratch], what: str) -> None:
    client, scratch = site
    term, part = TERMS[what]
    shown = [address for address in results(client, term(scratch)) if address.startswith(part)]

    assert shown
    assert client.get(shown[0], follow=True).status_code == 200


@pytest.mark.parametrize("term", ["", " ", "%", "'; DROP TABLE tools", "x" * 5_000, "99999999999999999999"])
def test_an_odd_term_finds_nothing_and_breaks_nothing(site: tuple[Client, Scratch], term: str) -> None:
    client, _ = site
    answer = client.get(reverse("admin:search"), {"extended": "1", "s": term})

    assert answer.status_code == 200
    assert "DROP" not in answer.content.decode()


def test_who_may_look_at_findings_alone_finds_findings_alone(site: tuple[Client, Scratch]) -> None:
    key = Finding.objects.filter(relation="public.users").exclude(key="").values_list("key", flat=True)[0]
    user = User.objects.create_user("findings-only", is_staff=True)
    request = RequestFactory().get("/admin/")
    for codenames, kinds in ((("view_finding",), {"finding"}), ((), set())):
        user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
        request.user = User.objects.get(pk=user.pk)  # rights are remembered by the object
        assert {result.description for result in found(request, key)} == kinds


def test_what_was_found_once_is_not_remembered(site: tuple[Client, Scratch]) -> None:
    client, scratch = site
    ((key, name),) = databases.rows(scratch.admin_url, "SELECT id::text, name FROM tools ORDER BY id LIMIT 1")
    address = reverse("admin:catalog_tool_change", args=[key])
    assert results(client, key)[address] == name

    databases.rows(scratch.admin_url, "UPDATE tools SET name = 'another name' WHERE id = %s", [key])

    assert results(client, key)[address] == "another name"
