"""GET /api/knowledge-domains."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support import contract, databases, service_under_test
from tests.support.cast import DIGITAL_HEALTH, PHARMA, PLATFORM, STRANGER
from tests.support.contract import DOMAINS, refusal
from tests.support.databases import Scratch
from tests.support.service import Service
from tests.support.service_under_test import ServiceDatabase, ServiceUnderTest
from tests.support.tokens import NOBODY, Who, bearer, super_admin, token, user

RESERVED = "Zebras for pharma alone"


def found(service: Service, who: Who) -> list[dict[str, Any]]:
    answer = service.get(DOMAINS, who)
    assert answer.status == 200, answer
    assert set(answer.json) == {"domains", "count"}
    assert answer.json["count"] == len(answer.json["domains"])
    domains: list[dict[str, Any]] = answer.json["domains"]
    return domains


def names(domains: list[dict[str, Any]]) -> set[str]:
    return {domain["name"] for domain in domains}


def expected(shared_service: ServiceUnderTest, *tenants: str) -> list[dict[str, Any]]:
    return [contract.domain(row) for row in shared_service.rows("knowledge_domains", *tenants, order="name")]


@pytest.mark.parametrize("who", [user(PHARMA), user(PHARMA) | {"x-tenant-id": PHARMA}], ids=["token", "header"])
def test_a_tenant_reads_its_own_and_the_platforms_by_name(
    shared_service: ServiceUnderTest, service: Service, who: Who
) -> None:
    assert found(service, who) == expected(shared_service, PHARMA, PLATFORM)


def test_everybody_reads_the_platforms(shared_service: ServiceUnderTest, service: Service) -> None:
    assert found(service, NOBODY) == [row for row in expected(shared_service, PLATFORM) if row["name"] != RESERVED]


def test_a_reserved_domain_is_shown_to_those_it_names(service: Service) -> None:
    assert RESERVED in names(found(service, user(PHARMA)))
    for who in (user(DIGITAL_HEALTH), user(STRANGER), NOBODY):
        assert RESERVED not in names(found(service, who))


def test_a_trailing_slash_changes_nothing(service: Service) -> None:
    assert service.get(f"{DOMAINS}/").json == service.get(DOMAINS).json


def test_a_header_without_a_credential_opens_no_tenant(service: Service) -> None:
    answer = service.get(DOMAINS, {"x-tenant-id": PHARMA})

    assert "Zebras of pharma" not in answer.text
    assert RESERVED not in answer.text


def test_a_bad_credential_is_refused_even_here(service: Service) -> None:
    refusal(service.get(DOMAINS, bearer(token(PHARMA, exp=1))), 401)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_there_is_nothing_to_write_here(service: Service, method: str) -> None:
    refusal(service.call(method, DOMAINS, super_admin(PLATFORM), {"name": "x"}), 405)


# --- tables that have the columns ---


def add_columns(scratch: Scratch) -> None:
    for statement in (
        "ALTER TABLE knowledge_domains ADD domain_type text, ADD allowed_tenants uuid[]",
        "UPDATE knowledge_domains SET domain_type = 'striped' WHERE name LIKE 'Zebra%'",
        f"UPDATE knowledge_domains SET allowed_tenants = '{{{DIGITAL_HEALTH}}}', metadata = '{{}}'"
        f" WHERE name = '{RESERVED}'",
    ):
        databases.rows(scratch.admin_url, statement)


@pytest.fixture(scope="module")
def with_columns(service_database: ServiceDatabase) -> Iterator[Service]:
    with service_under_test.started(service_database, prepare=add_columns) as opened:
        yield opened.service


def test_the_tables_own_columns_come_first(with_columns: Service) -> None:
    domains = {domain["name"]: domain for domain in found(with_columns, user(DIGITAL_HEALTH))}

    assert domains["Zebras of digital-health"]["domain_type"] == "striped"
    assert RESERVED in domains
    for who in (user(PHARMA), NOBODY):
        assert RESERVED not in names(found(with_columns, who))
