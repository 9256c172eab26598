"""A tenant's further ids: added and removed by command, they mean the same tenant everywhere within a second, and never
open what is another's."""

from collections.abc import Callable, Iterator

import pytest

from tests.support import patience
from tests.support.cast import (
    ALIAS_OF_ASLEEP,
    ALIAS_OF_PHARMA,
    ALIAS_OF_PLATFORM,
    ASLEEP,
    DIGITAL_HEALTH,
    PHARMA,
    PLATFORM,
    UNKNOWN,
)
from tests.support.command_results import Manage, said
from tests.support.contract import PROMPTS, TOOLS, refusal
from tests.support.requests import PROMPT, search_tools, tenants_seen
from tests.support.service import Answer
from tests.support.service_under_test import ServiceUnderTest
from tests.support.session_cookies import cookie
from tests.support.tokens import Who, bearer, super_admin, token, user

NEW = "7e57ab1e-0000-4000-8000-000000000001"
WITHIN = 1.0  # seconds, and what a busy machine adds
NAMED: dict[str, Callable[[str], Who]] = {
    "by a header": lambda id: super_admin(id),
    "by a cookie": lambda id: super_admin() | {"Cookie": f"tenant_id={id}"},
    "by a token": lambda id: user(id),
    "by a token's own word": lambda id: bearer(token(None, "user", tenant_id=id)),
    "by a session": lambda id: cookie(token(id)),
    "by all of them": lambda id: user(id) | {"x-tenant-id": id.upper(), "Cookie": f"tenant_id={id}"},
}


@pytest.mark.parametrize("how", NAMED)
@pytest.mark.parametrize(("alias", "tenant"), [(ALIAS_OF_PHARMA, PHARMA), (ALIAS_OF_PLATFORM, PLATFORM)])
def test_a_further_id_means_the_tenant(own_service: ServiceUnderTest, how: str, alias: str, tenant: str) -> None:
    answer = search_tools(own_service.service, NAMED[how](alias))

    assert tenants_seen(answer) == {tenant, PLATFORM}
    assert answer.headers["x-tenant-id"] == tenant, "answers name a tenant by its own id"


def test_it_is_the_same_in_writes_and_what_is_remembered(own_service: ServiceUnderTest) -> None:
    service = own_service.service
    made = service.post(PROMPTS, user(ALIAS_OF_PHARMA), PROMPT | {"name": "By another id"})

    assert (made.status, made.json["prompt"]["tenant_id"]) == (201, PHARMA)
    tags = {service.get(f"{TOOLS}?limit=7", user(id)).etag for id in (PHARMA, ALIAS_OF_PHARMA)}
    assert len(tags) == 1
    known = service.get("/api/tenants", user(ALIAS_OF_PHARMA)).json["tenants"]
    assert [tenant["id"] for tenant in known] == [PHARMA]


def test_it_opens_nothing_of_others(own_service: ServiceUnderTest) -> None:
    service = own_service.service

    for alias in (ALIAS_OF_PHARMA, ALIAS_OF_PLATFORM, ALIAS_OF_ASLEEP, UNKNOWN):
        refusal(search_tools(service, user(DIGITAL_HEALTH) | {"x-tenant-id": alias}), 403)
    refusal(search_tools(service, user(ALIAS_OF_PHARMA) | {"x-tenant-id": DIGITAL_HEALTH}), 403)
    refusal(search_tools(service, user(ALIAS_OF_ASLEEP)), 403)


@pytest.mark.slow
@pytest.mark.parametrize("how", NAMED)
def test_it_comes_and_goes_within_a_second(own_service: ServiceUnderTest, manage: Manage, how: str) -> None:
    def seen() -> Answer:
        return search_tools(own_service.service, NAMED[how](NEW))

    before = seen()
    assert before.status == 403 or tenants_seen(before) == {PLATFORM}
    _tenants(own_service, manage, "add-alias", "pharma", NEW)
    patience.wait(WITHIN)
    assert tenants_seen(seen()) == {PHARMA, PLATFORM}
    _tenants(own_service, manage, "remove-alias", "pharma", NEW)
    patience.wait(WITHIN)
    after = seen()
    assert (after.status, after.headers["x-tenant-id"]) == (before.status, before.headers["x-tenant-id"])


def _tenants(opened: ServiceUnderTest, manage: Manage, *words: str) -> None:
    done = manage(opened.database, "tenants", *words, "--reason", "a test")
    assert done.returncode == 0, said(done)


@pytest.fixture
def taken(own_service: ServiceUnderTest) -> Iterator[None]:
    """Ids of tenants that somebody has made another's further ids, by SQL past the command."""
    for id in (ASLEEP, DIGITAL_HEALTH):
        own_service.sql("INSERT INTO vital.tenant_alias (id, tenant_id) VALUES (%s, %s) RETURNING id", id, PHARMA)
    patience.wait(WITHIN)
    yield
    own_service.sql("DELETE FROM vital.tenant_alias WHERE id IN (%s, %s) RETURNING id", ASLEEP, DIGITAL_HEALTH)
    patience.wait(WITHIN)


def test_the_id_of_a_tenant_stays_its_own(own_service: ServiceUnderTest, taken: None) -> None:
    """Else its tokens would open another's rows."""
    assert tenants_seen(search_tools(own_service.service, user(DIGITAL_HEALTH))) == {DIGITAL_HEALTH, PLATFORM}
    refusal(search_tools(own_service.service, user(ASLEEP)), 403)


def test_before_their_table_is_there_a_service_serves_on(own_service: ServiceUnderTest) -> None:
    """A service that is newer than VITAL's tables in the database."""
    own_service.sql("ALTER TABLE vital.tenant_alias RENAME TO tenant_alias_of_later")
    try:
        patience.wait(WITHIN)
        assert tenants_seen(search_tools(own_service.service, user(PHARMA))) == {PHARMA, PLATFORM}
        refusal(search_tools(own_service.service, user(ALIAS_OF_PHARMA)), 403)
    finally:
        own_service.sql("ALTER TABLE vital.tenant_alias_of_later RENAME TO tenant_alias")
