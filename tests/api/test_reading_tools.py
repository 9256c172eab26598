"""GET /api/tools-crud, compared with the table read past row level security."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from tests.support import contract
from tests.support.cast import DIGITAL_HEALTH, PHARMA, PLATFORM
from tests.support.cast_rows import SEARCH
from tests.support.contract import TOOLS, refusal
from tests.support.service import Service
from tests.support.service_under_test import ServiceUnderTest
from tests.support.tokens import admin, super_admin, user


def found(service: Service, query: str, tenant: str = DIGITAL_HEALTH) -> dict[str, Any]:
    answer = service.get(f"{TOOLS}?{query}", user(tenant))
    assert answer.status == 200, answer
    document: dict[str, Any] = answer.json
    return document


def keys(tools: list[dict[str, Any]]) -> list[str]:
    return [tool["code"] for tool in tools]


def in_order(shared_service: ServiceUnderTest, *tenants: str, where: str = "true") -> list[str]:
    return [row["tool_key"] for row in shared_service.rows("tools", *tenants, where=where, order="name, id")]


# --- the list ---


@pytest.mark.parametrize("tenant", [DIGITAL_HEALTH, PHARMA])
def test_a_tenant_reads_its_own_and_the_platforms_in_order(
    shared_service: ServiceUnderTest, service: Service, tenant: str
) -> None:
    document = found(service, "", tenant)

    assert set(document) >= {"success", "tools", "count", "limit", "offset"}
    assert document["success"] is True
    assert keys(document["tools"]) == in_order(shared_service, tenant, PLATFORM)
    assert (document["count"], document["limit"], document["offset"]) == (len(document["tools"]), 10000, 0)


def test_every_field_is_as_the_columns_say(shared_service: ServiceUnderTest, service: Service) -> None:
    rows = {row["id"]: row for row in shared_service.rows("tools", DIGITAL_HEALTH, PLATFORM)}

    for tool in found(service, "")["tools"]:
        assert set(tool) >= contract.TOOL_FIELDS, contract.TOOL_FIELDS - set(tool)
        assert contract.differences(contract.tool(rows[tool["id"]]), tool) == {}


def test_a_trailing_slash_changes_nothing(service: Service) -> None:
    assert found(service, "limit=3") == service.get(f"{TOOLS}/?limit=3", user(DIGITAL_HEALTH)).json


def test_a_page_is_a_part_of_the_whole(shared_service: ServiceUnderTest, service: Service) -> None:
    everything = in_order(shared_service, DIGITAL_HEALTH, PLATFORM)

    document = found(service, "limit=10&offset=25")

    assert keys(document["tools"]) == everything[25:35]
    assert (document["count"], document["limit"], document["offset"]) == (len(everything), 10, 25)


def test_past_the_end_there_is_nothing_but_the_count(shared_service: ServiceUnderTest, service: Service) -> None:
    document = found(service, "limit=10&offset=100000")

    assert document["tools"] == []
    assert document["count"] == shared_service.count("tools", DIGITAL_HEALTH, PLATFORM)


def test_the_limit_is_capped(service: Service) -> None:
    assert found(service, "limit=20000")["limit"] == 10000


# --- filters ---


def test_search_looks_in_names_whatever_their_case(shared_service: ServiceUnderTest, service: Service) -> None:
    where = f"name ILIKE '%{SEARCH}%'"

    document = found(service, f"search={SEARCH.upper()}")

    assert keys(document["tools"]) == in_order(shared_service, DIGITAL_HEALTH, PLATFORM, where=where)
    assert document["count"] == len(document["tools"]) > 0


@pytest.mark.parametrize("text", ["100%", "a_b", "a_b\\c", "%", "_b\\"])
def test_search_takes_signs_as_they_are(service: Service, text: str) -> None:
    tools = found(service, f"search={quote(text)}")["tools"]

    assert f"{SEARCH}-full" not in tools
    for tool in tools:
        assert any(text in str(value) for value in tool.values()), f"{text!r} is nowhere in {tool['name']}"


def test_search_for_a_word_in_no_tool_finds_none(service: Service) -> None:
    assert found(service, "search=xylophone")["tools"] == []


@pytest.mark.parametrize(
    ("query", "where"),
    [
        ("category=Stripes", "category = 'Stripes'"),
        ("category=Regulatory%20%26%20Compliance", "category = 'Regulatory & Compliance'"),
        ("category=General", "coalesce(nullif(category, ''), 'General') = 'General'"),
        ("tool_type=api", "tool_type = 'api'"),
        ("is_active=true", "is_active"),
        ("is_active=false", "NOT is_active"),
        ("tool_type=function&is_active=true", "tool_type = 'function' AND is_active"),
        ("tool_type=api&search=zebra", "tool_type = 'api' AND name ILIKE '%zebra%'"),
        ("category=Nothing", "false"),
    ],
)
def test_a_filter_and_its_count(shared_service: ServiceUnderTest, service: Service, query: str, where: str) -> None:
    document = found(service, query)

    assert keys(document["tools"]) == in_order(shared_service, DIGITAL_HEALTH, PLATFORM, where=where)
    assert document["count"] == len(document["tools"])
    assert found(service, f"{query}&limit=1")["count"] == document["count"]


@pytest.mark.parametrize(("status", "where"), [("active", "is_active"), ("inactive", "NOT is_active")])
def test_the_status_of_a_tool_is_whether_it_is_active(
    shared_service: ServiceUnderTest, service: Service, status: str, where: str
) -> None:
    assert keys(found(service, f"status={status}")["tools"]) == in_order(
        shared_service, DIGITAL_HEALTH, PLATFORM, where=where
    )


def test_unknown_parameters_are_ignored(service: Service) -> None:
    assert found(service, "limit=3&colour=green&tenant_id=" + PHARMA) == found(service, "limit=3")


@pytest.mark.parametrize(
    "query",
    ["limit=abc", "limit=-1", "limit=1.5", "offset=-1", "offset=abc", "is_active=maybe", "cursor=garbage&limit=5"],
)
def test_a_bad_value_is_refused(service: Service, query: str) -> None:
    refusal(service.get(f"{TOOLS}?{query}", user(DIGITAL_HEALTH)), 400)


# --- by key ---


def walk(service: Service, limit: int, tenant: str = DIGITAL_HEALTH) -> Iterator[dict[str, Any]]:
    cursor = ""
    for _ in range(1000):
        document = found(service, f"cursor={quote(cursor)}&limit={limit}", tenant)
        assert len(document["tools"]) <= limit
        yield from document["tools"]
        cursor = document["next_cursor"]
        if not cursor:
            return
    raise AssertionError("the pages never end")


@pytest.mark.parametrize("limit", [1, 7, 50, 10000])
def test_paging_by_key_meets_every_row_once_in_order(
    shared_service: ServiceUnderTest, service: Service, limit: int
) -> None:
    assert keys(list(walk(service, limit))) == in_order(shared_service, DIGITAL_HEALTH, PLATFORM)


def test_a_cursor_of_another_tenant_opens_nothing(shared_service: ServiceUnderTest, service: Service) -> None:
    cursor = found(service, "cursor=&limit=1", PHARMA)["next_cursor"]

    answer = service.get(f"{TOOLS}?cursor={quote(cursor)}&limit=10000", user(DIGITAL_HEALTH))

    assert answer.status in {200, 400}, answer
    if answer.status == 200:
        assert {tool["tenant_id"] for tool in answer.json["tools"]} <= {DIGITAL_HEALTH, PLATFORM}


# --- one ---


def test_a_tool_is_found_by_its_id_and_by_its_code(shared_service: ServiceUnderTest, service: Service) -> None:
    row = shared_service.rows("tools", DIGITAL_HEALTH, where="tool_key = 'digital-health-full'")[0]

    for name in (row["id"], row["tool_key"]):
        answer = service.get(f"{TOOLS}/{name}", user(DIGITAL_HEALTH))
        assert answer.status == 200, answer
        assert set(answer.json) == {"tool"}
        assert contract.differences(contract.tool(row), answer.json["tool"]) == {}


def test_legacy_codes_are_found_though_they_break_the_pattern(
    shared_service: ServiceUnderTest, service: Service
) -> None:
    ((code,),) = shared_service.sql("SELECT min(tool_key) FROM tools WHERE tool_key LIKE 'TOOL-%' AND is_active")

    tool = service.get(f"{TOOLS}/{code}/", user(PHARMA)).json["tool"]

    assert (tool["code"], tool["is_shared"]) == (code, True)


@pytest.mark.parametrize(
    "name",
    ["no-such-code", "12345678-1234-4234-8234-123456789012", "%00", "a%2Fb", "%FF", "'", "digital-health-full%00"],
)
def test_what_is_not_there_is_not_found(service: Service, name: str) -> None:
    refusal(service.get(f"{TOOLS}/{name}", user(DIGITAL_HEALTH)), 404)


# --- showAll ---


def test_show_all_shows_a_super_admin_every_tenant(shared_service: ServiceUnderTest, service: Service) -> None:
    document = service.get(f"{TOOLS}?showAll=true", super_admin()).json

    assert keys(document["tools"]) == in_order(shared_service)
    assert document["count"] == shared_service.count("tools")


def test_show_all_changes_nothing_for_others(service: Service) -> None:
    for who in (user(PHARMA), admin(PHARMA)):
        assert service.get(f"{TOOLS}?showAll=true", who).json == service.get(TOOLS, who).json


def test_a_super_admin_without_a_tenant_sees_what_is_shared(shared_service: ServiceUnderTest, service: Service) -> None:
    assert keys(service.get(TOOLS, super_admin()).json["tools"]) == in_order(shared_service, PLATFORM)
