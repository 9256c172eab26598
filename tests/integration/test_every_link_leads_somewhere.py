"""Each link of each page, followed from the first page on: none leads to an error, and from every page one gets on.

Of links that differ by a row alone, or by the value of a filter alone, a few are followed.
"""

import html
import re
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest
from django.contrib.auth.models import Group, User
from django.http.response import HttpResponse, HttpResponseBase
from django.test import Client
from django.urls import Resolver404, resolve, reverse

from tenants.models import ApiKey, Membership
from tests.support import databases, service_under_test
from tests.support.cast import PHARMA
from tests.support.command_results import Manage, said
from tests.support.databases import Scratch
from tests.support.in_process_django import django_on
from vital.db import scope

OF_A_KIND = 1  # links that are followed of one address and the same filters
FILTERS = 1  # at once; more are the same again
LINK = re.compile(r'<(?:a|link)\b[^>]*?\shref="([^"]*)"|\shx-get="([^"]*)"')
ASSETS = ("/static/", "/admin/jsi18n/")


@dataclass
class Walk:
    """A person who follows links by GET alone. `problems` are those that lead nowhere."""

    client: Client
    problems: list[str] = field(default_factory=list)
    opened: dict[str, str] = field(default_factory=dict)  # address → the page
    followed: Counter[Any] = field(default_factory=Counter)

    def from_page(self, start: str) -> None:
        waiting: deque[tuple[str, str]] = deque([(start, "the start")])
        while waiting:
            address, origin = waiting.popleft()
            if address in self.opened or not self._is_due(address):
                continue
            page = self.opened[address] = self._page(address, origin)
            links = {link for link in links_of(page) if not link.startswith("#")}
            waiting += [(found, address) for link in sorted(links) if (found := inside(address, link))]

    def _is_due(self, address: str) -> bool:
        """Few of each kind: the pattern of the address with the filters that are set."""
        parts = urlsplit(address)
        names = frozenset(parse_qs(parts.query, keep_blank_values=True))
        kind = (pattern_of(parts.path), names)
        self.followed[kind] += 1
        return len(names) <= FILTERS and self.followed[kind] <= OF_A_KIND

    def _page(self, address: str, origin: str) -> str:
        answer = self.client.get(address, follow=True)
        if answer.status_code != 200:
            self.problems.append(f"{answer.status_code} {address}, from {origin}")
            return ""
        page = text_of(answer)
        if "</html>" in page and not any(inside(address, link) not in (None, address) for link in links_of(page)):
            self.problems.append(f"no way on from {address}")
        return page

    def missing_places(self) -> list[str]:
        """Links to a place in a page that is not there."""
        return [
            f"#{place} of {target or address}, from {address}"
            for address, page in self.opened.items()
            for link in links_of(page)
            for target, place in [(inside(address, link.partition("#")[0]), link.partition("#")[2])]
            if place and target in self.opened and f'id="{place}"' not in self.opened[target]
        ]


def pattern_of(path: str) -> str:
    """The path itself where there is no such address: it is opened, and is a problem."""
    try:
        return str(resolve(path).route)
    except Resolver404:
        return path


def text_of(answer: HttpResponseBase) -> str:
    """Nothing of a file that is sent."""
    is_page = answer.get("Content-Type", "").startswith("text/html")
    return answer.content.decode() if is_page and isinstance(answer, HttpResponse) else ""


def links_of(page: str) -> set[str]:
    return {html.unescape(href or asked) for href, asked in LINK.findall(page)} - {""}


def inside(address: str, link: str) -> str | None:
    """Where the link leads, if to a page of the service."""
    found = urlsplit(urljoin(f"http://testserver{address}", link))
    if found.netloc != "testserver" or found.path.startswith(ASSETS):
        return None
    return found.path + (f"?{found.query}" if found.query else "")


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
    walk = Walk(Client(raise_request_exception=False))
    with operator():
        walk.client.force_login(User.objects.get(username=name))

    walk.from_page(reverse(start))

    assert walk.problems == []
    assert walk.missing_places() == []
    assert len(walk.opened) >= least, "too few pages: are there links?"


def test_a_walk_sees_what_leads_nowhere(site: None, settings: Any) -> None:
    """An address that is not there, a page without a link, a place that a page has not."""
    settings.SESSION_COOKIE_SECURE = False
    walk = Walk(Client(raise_request_exception=False))

    walk.from_page("/nowhere")
    walk.opened |= {"/a": '<a href="/b#there">', "/b": '<p id="here">'}

    assert walk.problems == ["404 /nowhere, from the start"]
    assert walk.missing_places() == ["#there of /b, from /a"]
