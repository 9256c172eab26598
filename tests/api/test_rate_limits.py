"""A tenant that asks too often is told when to come back; the others do not notice."""

import json
from collections.abc import Iterator
from uuid import uuid4

import pytest

from tests.support import patience
from tests.support.cast import DIGITAL_HEALTH, PHARMA
from tests.support.contract import refusal
from tests.support.service import Answer
from tests.support.service_under_test import ServiceUnderTest
from tests.support.tokens import user

LOOK = "/api/knowledge-domains"
LIMIT = 5


@pytest.fixture
def limited(own_service: ServiceUnderTest) -> Iterator[str]:
    """A tenant of its own, whose limit is five requests a minute: counters of other tests do not meet it."""
    tenant = str(uuid4())
    settings = json.dumps({"limits": {"max_requests_per_minute": LIMIT}})
    insert = "INSERT INTO tenants (id, name, slug, settings) VALUES (%s::uuid, %s, %s, %s::jsonb)"
    own_service.sql(insert, tenant, f"Limited {tenant}", tenant, settings)
    yield tenant
    own_service.sql("DELETE FROM tenants WHERE id = %s::uuid", tenant)


def asked(own_service: ServiceUnderTest, tenant: str, times: int) -> list[Answer]:
    return [own_service.service.get(LOOK, user(tenant)) for _ in range(times)]


def until_known(own_service: ServiceUnderTest, tenant: str) -> None:
    """The registry is remembered for half a second; a request that is refused as unknown is not counted."""
    patience.until(lambda: own_service.service.get(LOOK, user(tenant)).status != 403, "the tenant is known", 5)


def test_past_its_own_limit_a_tenant_is_told_when_to_come_back(own_service: ServiceUnderTest, limited: str) -> None:
    until_known(own_service, limited)

    answers = asked(own_service, limited, 2 * LIMIT + 2)  # a minute may end in between, and a new count begin

    assert {answer.status for answer in answers} == {200, 429}
    last = next(answer for answer in answers if answer.status == 429)
    refusal(last, 429)
    assert 1 <= int(last.headers["retry-after"]) <= 60


def test_the_others_do_not_notice(own_service: ServiceUnderTest, limited: str) -> None:
    until_known(own_service, limited)
    asked(own_service, limited, 2 * LIMIT + 2)

    for tenant in (DIGITAL_HEALTH, PHARMA):
        assert {answer.status for answer in asked(own_service, tenant, 2 * LIMIT)} == {200}
