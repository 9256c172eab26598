"""A page has one name: in the sidebar, as its title, and as the last of its breadcrumb; dates are written one way."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse

from tests.support import databases
from tests.support.admin_client import platform_admin, visible_text
from tests.support.cast import PHARMA
from tests.support.databases import Scratch
from tests.support.in_process_django import django_on
from vital.admin_menu import GROUPS, Page

PAGES = [(group, page) for group, pages in GROUPS for page in pages if page.in_admin]
MOMENT = re.compile(r"\b\d{1,2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4}, \d\d:\d\d UTC")
OTHER_MOMENTS = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d|\d\d?:\d\d [ap]\.m\.|[ap]\.m\.")


@pytest.fixture(scope="module")
def site(migrated_template: Scratch, django_db_blocker: Any) -> Iterator[Client]:
    scratch = databases.clone(migrated_template)
    with django_on(scratch.owner_url, django_db_blocker):
        yield platform_admin()
    databases.drop(scratch)


def page_of(client: Client, address: str) -> str:
    answer = client.get(address, follow=True)
    assert answer.status_code == 200, address
    return answer.content.decode()


def crumbs(page: str) -> list[str]:
    return visible_text(page.split("<h1")[1].split("</h1>")[0].partition(">")[2]).split(" chevron_right ")


def title(page: str) -> str:
    return visible_text(page.split("<title>")[1].split("</title>")[0]).partition(" | ")[0]


@pytest.mark.parametrize(("group", "entry"), PAGES, ids=lambda part: part.name if isinstance(part, Page) else "")
def test_sidebar_title_and_breadcrumb_say_the_same(site: Client, group: str, entry: Page) -> None:
    address = reverse(f"admin:{entry.address}")
    shown = page_of(site, address)

    assert crumbs(shown) == [group, entry.name]
    assert title(shown) == entry.name
    to_it = re.findall(rf'href="{address}"[^>]*>(.*?)</a>', shown, re.DOTALL)
    assert any(visible_text(link).endswith(entry.name) for link in to_it), "the sidebar"


def test_the_page_about_the_api_is_in_the_sidebar(site: Client) -> None:
    shown = page_of(site, reverse("admin:index"))
    (link,) = re.findall(r'<a href="/api/docs"[^>]*>.*?</a>', shown, re.DOTALL)

    assert visible_text(link).endswith("API")
    assert "target=" not in link


ROWS = {
    "staff": ("auth_user", "People", "Staff"),
    "groups": ("auth_group", "People", "Groups"),
    "tenants": ("tenants_tenantrecord", "Tenants", "Tenants"),
}


@pytest.mark.parametrize("kind", ROWS)
def test_a_rows_page_stands_below_its_list(site: Client, kind: str) -> None:
    name, group, listed = ROWS[kind]
    made: dict[str, Any] = {
        "staff": lambda: User.objects.get(username="platform-admin").pk,
        "groups": lambda: Group.objects.get_or_create(name="readers")[0].pk,
        "tenants": lambda: PHARMA,
    }
    shown = page_of(site, reverse(f"admin:{name}_change", args=[made[kind]()]))

    assert crumbs(shown)[:2] == [group, listed]
    assert len(crumbs(shown)) == 3


FORMS = ("auth_user", "auth_group", "tenants_apikey", "tenants_membership")


@pytest.mark.parametrize("name", FORMS)
def test_forms_are_of_the_same_looks_and_keep_the_menu_where_something_is_wrong(site: Client, name: str) -> None:
    address = reverse(f"admin:{name}_add")
    for shown in (page_of(site, address), site.post(address, {}).content.decode()):
        fields = re.findall(r"<(?:input|select|textarea)\b[^>]*>", shown.split('id="content-main"')[1])
        plain = [one for one in fields if 'type="hidden"' not in one and "class=" not in one]
        assert not plain, name
        assert reverse("admin:index") in shown.split("<h1")[0], "the menu"
    assert "required" in visible_text(shown)


def test_a_tenant_is_looked_up_by_a_part_of_its_name(site: Client) -> None:
    for by, value in (("id", PHARMA), ("slug", "pharma")):
        found = site.get(reverse(f"admin:tenants_membership_choices_{by}"), {"term": "harmac"}).json()
        assert found == {"results": [{"id": value, "text": "Pharmaceuticals"}], "pagination": {"more": False}}


EMPTY = ("auth_group", "tenants_apikey", "tenants_membership", "migrations_ops_override")


@pytest.mark.parametrize("name", EMPTY)
def test_an_empty_list_says_what_to_do_first(site: Client, name: str) -> None:
    if name == "auth_group":
        Group.objects.all().delete()
    assert "There " in visible_text(page_of(site, reverse(f"admin:{name}_changelist")).split('id="content"')[1])
    filtered = page_of(site, reverse(f"admin:{name}_changelist") + "?q=nothing-is-called-so")
    assert "Nothing matches the search and the filters" in visible_text(filtered.split('id="content"')[1])
    assert "There " not in visible_text(filtered.split('id="content"')[1])


LISTS = [page.address for _, page in PAGES if page.address.endswith("_changelist")]


@pytest.mark.parametrize("name", LISTS)
def test_dates_are_written_one_way_with_their_zone(site: Client, name: str) -> None:
    text = visible_text(page_of(site, reverse(f"admin:{name}")))

    assert not OTHER_MOMENTS.search(text), OTHER_MOMENTS.search(text)
    if name in ("migrations_ops_ledgerentry_changelist", "migrations_ops_finding_changelist"):
        assert MOMENT.search(text)
