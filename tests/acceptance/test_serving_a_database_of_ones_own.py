"""A database that VITAL was not written for is served: tenants and the admin's pages are those of its plan."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.support import admin_session, databases, service_under_test
from tests.support.command_results import Manage, document, said
from tests.support.databases import Scratch, rows
from tests.support.service import PRODUCTION, Answer, Service, served
from tests.support.service_under_test import ServiceUnderTest

SHOP = (
    "CREATE TABLE stores (id bigint PRIMARY KEY, name text NOT NULL)",
    "CREATE TABLE orders (id bigint PRIMARY KEY, store_id bigint NOT NULL REFERENCES stores)",
    "INSERT INTO stores VALUES (1, 'North'), (2, 'South')",
    "INSERT INTO orders VALUES (1, 1), (2, 2), (3, 2)",
)
LISTS = (
    "/admin/", "/admin/tenants/tenantrecord/", "/admin/tenants/tenant/", "/admin/tenants/apikey/",
    "/admin/migrations_ops/run/", "/admin/migrations_ops/ledgerentry/", "/admin/migrations_ops/finding/",
    "/admin/migrations_ops/finding/queue/", "/admin/migrations_ops/auditevent/", "/admin/migrations_ops/override/",
)  # fmt: skip


@dataclass(frozen=True)
class Served:
    """The shop, migrated and served, and the cookies of its admin."""

    scratch: Scratch
    service: Service
    cookies: str

    def page(self, path: str) -> Answer:
        return self.service.get(path, {"Cookie": self.cookies})


@pytest.fixture(scope="module")
def shop(server_url: str, manage: Manage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    scratch = databases.create_empty(server_url)
    for statement in SHOP:
        rows(scratch.owner_url, statement)
    plan = str(tmp_path_factory.mktemp("plan") / "plan.toml")
    for words in (("init-plan", "--out", plan), ("run", "--yes", "--plan", plan)):
        done = manage(scratch, "migrate_tenants", *words)
        assert done.returncode == 0, said(done)
    with service_under_test.service_login(server_url, scratch, manage) as login, served(login, PRODUCTION) as service:
        opened = ServiceUnderTest(service, scratch, login)
        cookies = admin_session.of_superuser(opened, manage, "shopkeeper")
        yield Served(scratch, service, "; ".join(f"{name}={value}" for name, value in cookies.items()))


def test_it_is_ready(shop: Served) -> None:
    answer = shop.service.get("/health/ready")

    assert (answer.status, answer.json["tenants"]) == (200, "ok"), answer


def test_a_key_of_a_tenant_opens_that_tenant_alone(shop: Served, manage: Manage) -> None:
    listed = document(manage(shop.scratch, "tenants", "list", "--json"))["tenants"]
    north, south = (next(one for one in listed if one["name"] == name) for name in ("North", "South"))
    key = service_under_test.new_key(shop.scratch, manage, south["slug"], "read")

    seen = shop.service.get("/api/tenants", {"x-api-key": key}).text
    refused = shop.service.get("/api/tenants", {"x-api-key": key, "x-tenant-id": north["id"]})

    assert south["id"] in seen
    assert north["id"] not in seen
    assert refused.status == 403


@pytest.mark.parametrize("path", LISTS)
def test_every_list_of_the_admin_answers(shop: Served, path: str) -> None:
    answer = shop.page(path)

    assert answer.status == 200, answer.text[:2000]
    assert "/admin/catalog/" not in answer.text, "the shop has no table of the platform's, so no page of one either"


def test_tenants_are_the_stores(shop: Served) -> None:
    page = shop.page("/admin/tenants/tenantrecord/").text

    assert "North" in page
    assert "South" in page
