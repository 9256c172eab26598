"""GET /api/prompts-crud: the list, its pages and filters, and one prompt."""

from collections import Counter
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import pytest

from tests.support import contract
from tests.support.cast import DIGITAL_HEALTH, PHARMA, PLATFORM
from tests.support.contract import NOWHERE, PROMPTS, refusal
from tests.support.service import Service
from tests.support.service_under_test import ServiceUnderTest
from tests.support.tokens import super_admin, user

LOOKED_IN = "concat_ws(chr(10), name, display_name, description)"


def found(service: Service, query: str, tenant: str = DIGITAL_HEALTH) -> dict[str, Any]:
    answer = service.get(f"{PROMPTS}?{query}", user(tenant))
    assert answer.status == 200, answer
    document: dict[str, Any] = answer.json
    return document


def ids(rows: list[dict[str, Any]]) -> list[str]:
    return sorted(row["id"] for row in rows)


@pytest.mark.parametrize("tenant", [DIGITAL_HEALTH, PHARMA])
def test_a_tenant_reads_its_own_and_the_platforms_newest_first(
    shared_service: ServiceUnderTest, service: Service, tenant: str
) -> None:
    document = found(service, "", tenant)
    total = shared_service.count("prompts", tenant, PLATFORM)

    assert set(document) >= {"success", "prompts", "pagination"}
    assert document["success"] is True
    assert ids(document["prompts"]) == ids(shared_service.rows("prompts", tenant, PLATFORM))
    moments = [contract.instant(prompt["created_at"]) for prompt in document["prompts"]]
    assert moments == sorted(moments, reverse=True)
    assert document["pagination"] == {"page": 1, "limit": 10000, "total": total, "pages": 1}


def test_every_column_is_there_and_what_is_found_out(
    shared_service: ServiceUnderTest, service: Service, suites: Mapping[str, Any]
) -> None:
    rows = {row["id"]: row for row in shared_service.rows("prompts", DIGITAL_HEALTH, PLATFORM)}

    for prompt in found(service, "")["prompts"]:
        assert contract.differences(contract.prompt(rows[prompt["id"]], suites), prompt) == {}


def test_a_trailing_slash_changes_nothing(service: Service) -> None:
    assert found(service, "limit=3") == service.get(f"{PROMPTS}/?limit=3", user(DIGITAL_HEALTH)).json


def test_pages_meet_every_row_once(shared_service: ServiceUnderTest, service: Service) -> None:
    total = shared_service.count("prompts", PHARMA, PLATFORM)
    pages = contract.pages(total, 300)

    read: list[dict[str, Any]] = []
    for page in range(1, pages + 1):
        document = found(service, f"limit=300&page={page}", PHARMA)
        assert document["pagination"] == {"page": page, "limit": 300, "total": total, "pages": pages}
        read += document["prompts"]

    assert ids(read) == ids(shared_service.rows("prompts", PHARMA, PLATFORM))


def test_after_the_last_page_there_is_nothing_but_the_total(shared_service: ServiceUnderTest, service: Service) -> None:
    document = found(service, "limit=300&page=1000")

    assert document["prompts"] == []
    assert document["pagination"]["total"] == shared_service.count("prompts", DIGITAL_HEALTH, PLATFORM)


def test_the_limit_is_capped(service: Service) -> None:
    assert found(service, "limit=20000")["pagination"]["limit"] == 10000


@pytest.mark.parametrize(
    ("query", "where"),
    [
        ("domain=regulatory", "domain = 'regulatory'"),
        ("complexity=basic", "complexity_level = 'basic'"),
        ("status=draft", "status = 'draft'"),
        ("status=active", "status = 'active'"),
        ("domain=clinical&complexity=intermediate", "domain = 'clinical' AND complexity_level = 'intermediate'"),
        ("domain=all&suite=all&complexity=all&status=all&search=", "true"),
        ("domain=nothing", "false"),
        ("search=STRIPES", f"{LOOKED_IN} ILIKE '%stripes%'"),
        ("search=Starter%20%231&domain=general", f"domain = 'general' AND {LOOKED_IN} ILIKE '%starter #1%'"),
    ],
)
def test_a_filter_and_its_total(shared_service: ServiceUnderTest, service: Service, query: str, where: str) -> None:
    wanted = ids(shared_service.rows("prompts", DIGITAL_HEALTH, PLATFORM, where=where))

    document = found(service, query)

    assert ids(document["prompts"]) == wanted
    assert document["pagination"]["total"] == len(wanted)
    assert found(service, f"{query}&limit=1")["pagination"]["total"] == len(wanted)


@pytest.mark.parametrize("text", ["100%", "a_b\\c", "%", "_b"])
def test_search_takes_signs_as_they_are(service: Service, text: str) -> None:
    for prompt in found(service, f"search={quote(text)}")["prompts"]:
        looked_in = (prompt["name"], prompt["display_name"], prompt["description"])
        assert any(text in value for value in looked_in), f"{text!r} is nowhere in {looked_in}"


def test_a_suite_is_a_filter_like_the_others(
    shared_service: ServiceUnderTest, service: Service, suites: Mapping[str, Any]
) -> None:
    rows = shared_service.rows("prompts", PHARMA, PLATFORM)
    sizes = Counter(contract.suite(row, suites) for row in rows)
    assert len(sizes) == len(suites["suite"]), f"the pack has prompts of every suite: {sizes}"

    for name, size in sizes.items():
        document = found(service, f"suite={quote(name)}&limit=2", PHARMA)
        assert document["pagination"] == {"page": 1, "limit": 2, "total": size, "pages": contract.pages(size, 2)}
        assert {prompt["suite"] for prompt in document["prompts"]} == {name}


def test_a_suite_and_another_filter_go_together(
    shared_service: ServiceUnderTest, service: Service, suites: Mapping[str, Any]
) -> None:
    rows = shared_service.rows("prompts", DIGITAL_HEALTH, PLATFORM, where="domain = 'medical_affairs'")
    wanted = [row for row in rows if contract.suite(row, suites) == "TRIALS™"]

    document = found(service, f"suite={quote('TRIALS™')}&domain=medical_affairs&limit=10000")

    assert ids(document["prompts"]) == ids(wanted) != []
    assert document["pagination"]["total"] == len(wanted)


@pytest.mark.parametrize("query", ["limit=abc", "limit=-1", "page=0", "page=-1", "page=abc", "page=1.5"])
def test_a_bad_value_is_refused(service: Service, query: str) -> None:
    refusal(service.get(f"{PROMPTS}?{query}", user(DIGITAL_HEALTH)), 400)


def test_unknown_parameters_are_ignored(service: Service) -> None:
    assert found(service, "limit=3&colour=green&tenant_id=" + PHARMA) == found(service, "limit=3")


def test_show_all_is_for_super_admins(shared_service: ServiceUnderTest, service: Service) -> None:
    everything = service.get(f"{PROMPTS}?showAll=true", super_admin()).json

    assert ids(everything["prompts"]) == ids(shared_service.rows("prompts"))
    assert everything["pagination"]["total"] == shared_service.count("prompts")
    assert found(service, "showAll=true&limit=5") == found(service, "limit=5")


def test_one_is_found_by_its_id_and_by_its_name(
    shared_service: ServiceUnderTest, service: Service, suites: Mapping[str, Any]
) -> None:
    (row,) = shared_service.rows("prompts", PHARMA, where="name = 'Zebra prompt of pharma'")

    for name in (row["id"], quote(row["name"])):
        document = found(service, f"action=get&id={name}", PHARMA)
        assert set(document) == {"success", "prompt"}
        assert document["success"] is True
        assert contract.differences(contract.prompt(row, suites), document["prompt"]) == {}


@pytest.mark.parametrize("name", ["nobody", NOWHERE, "%27", "%25"])
def test_what_is_not_there_is_not_found(service: Service, name: str) -> None:
    refusal(service.get(f"{PROMPTS}?action=get&id={name}", user(DIGITAL_HEALTH)), 404)


def test_get_one_needs_to_be_told_which(service: Service) -> None:
    refusal(service.get(f"{PROMPTS}?action=get", user(DIGITAL_HEALTH)), 400)
