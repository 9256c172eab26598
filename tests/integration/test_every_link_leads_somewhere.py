"""Each link of each page, followed from the first page on: none leads to an error, and from every page one gets on.

Of links that differ by a row alone, or by the value of a filter alone, a few are followed.
"""

import html
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.http.response import HttpResponse, HttpResponseBase
from django.test import Client
from django.urls import reverse

from tenants.models import ApiKey, Membership
from tests.support import databases, service_under_test
from tests.support.cast import PHARMA
from tests.support.command_results import Manage, said
from tests.support.databases import Scratch
from tests.support.in_process_django import django_on
from tests.support.link_walk import Seen, Walk
from vital.db import scope

LINK = re.compile(r'<(?:a|link)\b[^>]*?\shref="([^"]*)"|\shx-get="([^"]*)"')
PLACE = re.compile(r'\sid="([^"]*)"')


@dataclass(frozen=True)
class Reader:
    """Opens pages by Django's client, which runs no script."""

    client: Client

    def __call__(self, address: str) -> Seen:
        answer = self.client.get(address, follow=True)
        page = text_of(answer)
        return Seen(answer.status_code, links_of(page), {*PLACE.findall(page)}, "</html>" in page)


def text_of(answer: HttpResponseBase) -> str:
    """Nothing of a file that is sent."""
    is_page = answer.get("Content-Type", "").startswith("text/html")
    return answer.content.decode() if is_page and isinstance(answer, HttpResponse) else ""


def links_of(page: str) -> set[str]:
    return {html.unescape(href or asked) for href, asked in LINK.findall(page)} - {""}


@pytest.fixture(scope="module")
def site(server_url: str, migrated_template: Scratch, manage: Manage, django_db_blocker: Any) -> Iterator[None]:
    """The service by its own login, after a decision, with a key, a group, and staff of a tenant."""
    with service_under_test.created_database(server_url, migrated_template, manage) as made:
        ((tool,),) = databases.rows(made.database.admin_url, "SELECT id::text FROM tools ORDER BY id LIMIT 1")
        done = manage(made.database, "migrate_tenants", "decide", "tools", tool, "pharma", "--reason", "x", "--yes")
        assert done.returncode == 0, said(done)
        with django_on(made.login, django_db_blocker):
            with operator():
                User.objects.create_superuser("the-platform")
                member = User.objects.create_user("pharma-staff", is_staff=True)
                Membership.objects.create(user=member, tenant_id=PHARMA, role="user")
                Group.objects.create(name="readers")
                ApiKey.objects.create(name="reports", prefix="abc", digest="d", tenants=[PHARMA], scope="read")
            yield


@contextmanager
def operator() -> Iterator[None]:
    with scope.acting_as(scope.operator_scope(read_only=False)):
        yield


@pytest.mark.parametrize(
    ("name", "start", "least"), [("the-platform", "admin:index", 100), ("pharma-staff", "own:index", 20)]
)
def test_no_link_leads_nowhere(name: str, start: str, least: int, site: None, settings: Any) -> None:
    settings.SESSION_COOKIE_SECURE = False
    client = Client(raise_request_exception=False)
    with operator():
        client.force_login(User.objects.get(username=name))
    walk = Walk(Reader(client))

    walk.from_page(reverse(start))

    assert walk.problems == []
    assert walk.missing_places() == []
    assert len(walk.opened) >= least, "too few pages: are there links?"


def test_a_walk_sees_what_leads_nowhere(site: None, settings: Any) -> None:
    """An address that is not there, a page without a link, a place that a page has not."""
    settings.SESSION_COOKIE_SECURE = False
    walk = Walk(Reader(Client(raise_request_exception=False)))

    walk.from_page("/nowhere")
    walk.opened |= {"/a": Seen(200, links={"/b#there"}), "/b": Seen(200, places={"here"})}

    assert walk.problems == ["404 /nowhere, from the start"]
    assert walk.missing_places() == ["#there of /b, from /a"]
