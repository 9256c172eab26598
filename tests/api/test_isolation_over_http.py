"""No tenant reaches another's rows: by any verb or validator, under load, or over a shared connection."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Any
from urllib.parse import quote

import pytest

from tests.support import cast, pgbouncer, service_under_test
from tests.support.cast import DIGITAL_HEALTH, PHARMA, PLATFORM, STRANGER
from tests.support.cast_rows import SEARCH
from tests.support.contract import DOMAINS, NOWHERE, PROMPTS, TOOLS, refusal
from tests.support.service import Answer, Line, Service, served
from tests.support.service_under_test import ServiceDatabase, ServiceUnderTest
from tests.support.tokens import Who, admin, super_admin, user

pytestmark = pytest.mark.server

LOOK = f"{TOOLS}?search={SEARCH}"
CROWD = 20_000 if os.environ.get("VITAL_SLOW_TESTS") else 2_000


@dataclass(frozen=True)
class Route:
    """A way to one row; `key` is the column that names the row in it."""

    method: str
    path: str
    table: str
    key: str = "id"
    in_body: bool = False

    def call(self, service: Service, who: Who, key: str) -> Answer:
        body: dict[str, Any] | None = {"description": "mine"} if self.method in {"PUT", "PATCH"} else None
        if self.in_body:
            body = (body or {}) | {"id": key}
        return service.call(self.method, self.path.format(quote(key)), who, body)

    def __str__(self) -> str:
        return f"{self.method} {self.path.format(self.key)}{' id in the body' if self.in_body else ''}"


ROUTES = [
    *(Route(method, f"{TOOLS}/{{}}", "tools") for method in ("GET", "PUT", "PATCH", "DELETE")),
    *(Route(method, f"{TOOLS}/{{}}", "tools", "tool_key") for method in ("GET", "PUT", "PATCH", "DELETE")),
    Route("PUT", TOOLS, "tools", in_body=True),
    Route("DELETE", f"{TOOLS}?id={{}}", "tools"),
    Route("GET", f"{PROMPTS}?action=get&id={{}}", "prompts"),
    Route("GET", f"{PROMPTS}?action=get&id={{}}", "prompts", "name"),
    Route("PUT", f"{PROMPTS}/{{}}", "prompts"),
    Route("PUT", PROMPTS, "prompts", in_body=True),
    Route("DELETE", f"{PROMPTS}/{{}}", "prompts"),
    Route("DELETE", f"{PROMPTS}?id={{}}", "prompts"),
]
WRITES = [route for route in ROUTES if route.method != "GET"]


def planted(own_service: ServiceUnderTest, table: str, tenant: str) -> dict[str, Any]:
    """The row of the tenant that has everything filled in."""
    name = f"Zebra prompt of {cast.SLUGS[tenant]}" if table == "prompts" else f"Zebra of {cast.SLUGS[tenant]}"
    (row,) = own_service.rows(table, tenant, where=f"name = '{name}'")
    return row


def without(answer: Answer, key: str) -> tuple[int, str]:
    """Status and body, whatever key was asked for."""
    return answer.status, answer.text.replace(key, "KEY")


# --- one row ---


@pytest.mark.parametrize("route", ROUTES, ids=str)
@pytest.mark.parametrize("actor", [DIGITAL_HEALTH, STRANGER])
def test_anothers_row_and_no_row_are_answered_alike(own_service: ServiceUnderTest, route: Route, actor: str) -> None:
    for owner in {DIGITAL_HEALTH, PHARMA, STRANGER} - {actor}:
        row = planted(own_service, route.table, owner)
        missing = NOWHERE if route.key == "id" else "no-such-name"
        for who in (admin(actor), user(actor)):
            answer = route.call(own_service.service, who, row[route.key])
            refusal(answer, 404)
            assert without(answer, row[route.key]) == without(route.call(own_service.service, who, missing), missing)
        assert planted(own_service, route.table, owner) == row


@pytest.mark.parametrize("route", WRITES, ids=str)
@pytest.mark.parametrize("actor", [DIGITAL_HEALTH, PHARMA, STRANGER])
def test_the_platforms_rows_are_for_reading(own_service: ServiceUnderTest, route: Route, actor: str) -> None:
    row = planted(own_service, route.table, PLATFORM)

    answer = route.call(own_service.service, admin(actor), row[route.key])

    assert "shared platform resource" in refusal(answer, 403).lower()
    assert planted(own_service, route.table, PLATFORM) == row


@pytest.mark.parametrize("route", ROUTES, ids=str)
def test_show_all_opens_no_row(own_service: ServiceUnderTest, route: Route) -> None:
    row = planted(own_service, route.table, STRANGER)
    sign = "&" if "?" in route.path else "?"
    with_all = Route(route.method, f"{route.path}{sign}showAll=true", route.table, route.key, route.in_body)

    refusal(with_all.call(own_service.service, admin(PHARMA), row[route.key]), 404)

    assert planted(own_service, route.table, STRANGER) == row


def test_a_super_admin_in_a_tenant_is_bound_to_it(own_service: ServiceUnderTest) -> None:
    row = planted(own_service, "tools", STRANGER)

    refusal(own_service.service.get(f"{TOOLS}/{row['id']}", super_admin(PHARMA)), 404)
    assert own_service.service.get(f"{TOOLS}/{row['id']}", super_admin(STRANGER)).status == 200


# --- lists ---


@pytest.mark.parametrize("actor", [DIGITAL_HEALTH, PHARMA, STRANGER])
@pytest.mark.parametrize(
    "query",
    [
        f"{TOOLS}?showAll=true",
        f"{TOOLS}?cursor=&limit=10000&showAll=true",
        f"{TOOLS}?search=of",
        f"{TOOLS}?tenant_id={PHARMA}",
        f"{PROMPTS}?showAll=true",
        f"{PROMPTS}?search=Zebra",
        f"{PROMPTS}?tenant_id={DIGITAL_HEALTH}",
    ],
)
def test_no_list_shows_anothers_rows(own_service: ServiceUnderTest, actor: str, query: str) -> None:
    document = own_service.service.get(query, admin(actor)).json

    rows = document.get("tools") or document.get("prompts")
    assert {row["tenant_id"] for row in rows} == {actor, PLATFORM}


def test_a_name_that_another_tenant_has_is_free(own_service: ServiceUnderTest) -> None:
    answer = own_service.service.post(TOOLS, admin(PHARMA), {"name": "x", "code": "stranger-full"})

    assert answer.status == 201, answer
    own_service.service.delete(f"{TOOLS}/{answer.json['tool']['id']}", admin(PHARMA))


# --- validators ---


@pytest.mark.parametrize("path", [LOOK, f"{PROMPTS}?limit=5", DOMAINS, f"{TOOLS}/vital-platform-full"])
def test_an_etag_of_one_tenant_says_nothing_to_another(own_service: ServiceUnderTest, path: str) -> None:
    tags = {tenant: own_service.service.get(path, user(tenant)).etag for tenant in (DIGITAL_HEALTH, PHARMA)}

    own = own_service.service.get(path, user(PHARMA) | {"If-None-Match": tags[PHARMA]})
    other = own_service.service.get(path, user(PHARMA) | {"If-None-Match": tags[DIGITAL_HEALTH]})
    chosen = own_service.service.get(path, super_admin(PHARMA) | {"If-None-Match": tags[DIGITAL_HEALTH]})

    assert (own.status, other.status, chosen.status) == (304, 200, 200)


# --- crowds ---


def wrong_rows(line: Line, tenant: str, who: Who, number: int) -> list[str]:
    """What one request of a crowd has seen that it must not, or not seen that it must; some of them write."""
    if number % 25 == 0:
        body = {"name": f"Crowd {number} of {tenant}", "display_name": "x", "description": "x", "domain": "zoology"}
        answer = line.call("POST", PROMPTS, who, body | {"system_prompt": "x", "user_prompt_template": "x"})
        right = answer.status == 201 and answer.json["prompt"]["tenant_id"] == tenant
    else:
        answer = line.call("GET", f"{LOOK}&turn={number}", who)  # another address each time: no remembered answer
        right = answer.status == 200 and {tool["tenant_id"] for tool in answer.json["tools"]} == {tenant, PLATFORM}
    return [] if right else [f"{tenant}: {answer}"]


def crowd(service: Service, requests: int) -> list[str]:
    """Eight callers at once, each of them two tenants in turn on one connection."""
    callers = {tenant: user(tenant) for tenant in (DIGITAL_HEALTH, PHARMA)}

    def one(number: int) -> list[str]:
        with service.line() as line:
            turns = islice(cycle(callers.items()), number % 2, number % 2 + requests // 8)
            return [
                message
                for turn, (tenant, who) in enumerate(turns)
                for message in wrong_rows(line, tenant, who, number * requests + turn)
            ]

    with ThreadPoolExecutor(8) as threads:
        return [message for messages in threads.map(one, range(8)) for message in messages]


def written_elsewhere(opened: ServiceUnderTest) -> int:
    return opened.count("prompts", where="name LIKE 'Crowd %' AND name NOT LIKE '%' || tenant_id")


@pytest.mark.slow
def test_a_crowd_of_two_tenants_sees_no_wrong_row(own_service: ServiceUnderTest) -> None:
    wrong = crowd(own_service.service, CROWD)

    assert wrong == [], f"{len(wrong)} of {CROWD}: {wrong[:3]}"
    assert own_service.count("prompts", where="name LIKE 'Crowd %'") == 8 * -(-(CROWD // 8) // 25)
    assert written_elsewhere(own_service) == 0


@pytest.fixture
def pooled(server_url: str, service_database: ServiceDatabase) -> Iterator[ServiceUnderTest]:
    """The service behind a pooler in transaction mode, which has one connection for everybody."""
    with (
        service_under_test.copied_database(service_database) as own,
        pgbouncer.transaction_mode(
            server_url, own.database, round_robin=False, login_url=own.login, pool_size=1
        ) as through,
        served(through) as service,
    ):
        yield ServiceUnderTest(service, own.database, through)


@pytest.mark.slow
def test_one_connection_for_all_leaks_nothing(pooled: ServiceUnderTest) -> None:
    wrong = crowd(pooled.service, CROWD)

    assert wrong == [], f"{len(wrong)} of {CROWD}: {wrong[:3]}"
    assert written_elsewhere(pooled) == 0
