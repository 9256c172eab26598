"""Which claims of a token count: tenant, role, person and expiry, odd ones included."""

from typing import Any

import pytest

from tests.support.cast import DIGITAL_HEALTH, PHARMA, PLATFORM
from tests.support.contract import TOOLS, refusal
from tests.support.requests import search_tools, tenants_seen
from tests.support.service import Service
from tests.support.service_under_test import ServiceUnderTest
from tests.support.tokens import bearer, token


@pytest.mark.parametrize(
    "claims",
    [
        {"tenant_id": PHARMA},
        {"app_metadata": {"tenant_id": PHARMA}},
        {"app_metadata": {"tenant_id": PHARMA, "role": "user"}, "role": "authenticated"},
        {"tenant_id": PHARMA, "role": "user"},
    ],
    ids=str,
)
def test_a_token_names_its_tenant_at_the_top_or_under_app_metadata(service: Service, claims: dict[str, Any]) -> None:
    assert tenants_seen(search_tools(service, bearer(token(None, **claims)))) == {PHARMA, PLATFORM}


def test_the_role_under_app_metadata_counts_first(service: Service) -> None:
    who = bearer(token(PHARMA, "user", role="super_admin"))

    assert search_tools(service, who | {"x-tenant-id": DIGITAL_HEALTH}).status == 403


def test_a_role_at_the_top_counts_where_there_is_no_other(service: Service) -> None:
    who = bearer(token(None, None, role="super_admin"))

    assert tenants_seen(search_tools(service, who | {"x-tenant-id": PHARMA})) == {PHARMA, PLATFORM}


def test_what_users_say_of_themselves_never_counts(service: Service) -> None:
    claims: dict[str, Any] = {"user_metadata": {"role": "super_admin", "tenant_id": DIGITAL_HEALTH}}
    who = bearer(token(PHARMA, None, **claims))

    assert tenants_seen(search_tools(service, who)) == {PHARMA, PLATFORM}
    assert search_tools(service, who | {"x-tenant-id": DIGITAL_HEALTH}).status == 403
    nobody_else = search_tools(service, bearer(token(None, None, **claims)))
    assert nobody_else.status == 403 or tenants_seen(nobody_else) <= {PLATFORM}


@pytest.mark.parametrize("role", ["owner", "SUPER_ADMIN", "", "postgres", 7, ["super_admin"], {"a": 1}], ids=str)
def test_an_unknown_role_gives_nothing_more(service: Service, role: object) -> None:
    who = bearer(token(PHARMA, app_metadata={"role": role, "tenant_id": PHARMA}))

    answer = search_tools(service, who | {"x-tenant-id": DIGITAL_HEALTH})
    assert answer.status in {401, 403}, answer
    assert service.delete(f"{TOOLS}/pharma-full", who).status in {401, 403}


@pytest.mark.parametrize("tenant", ["not-a-uuid", "", 7, [PHARMA], {"id": PHARMA}, "\0"], ids=str)
def test_a_token_with_a_malformed_tenant_opens_none(service: Service, tenant: object) -> None:
    answer = search_tools(service, bearer(token(None, app_metadata={"role": "user", "tenant_id": tenant})))

    assert 400 <= answer.status < 500 or tenants_seen(answer) <= {PLATFORM}, answer


@pytest.mark.parametrize(
    "sub", ["not-a-uuid", 7, None, "\0", "x" * 10000], ids=["text", "number", "none", "nul", "long"]
)
def test_a_token_of_an_odd_person_is_no_error(service: Service, sub: object) -> None:
    for tenant in (PHARMA, None):
        answer = search_tools(service, bearer(token(tenant, sub=sub)))
        assert 400 <= answer.status < 500 or tenants_seen(answer) <= {tenant, PLATFORM}, answer


@pytest.mark.parametrize("expiry", ["4102444800", None, True, [4102444800]])
def test_a_token_whose_expiry_is_no_time_is_refused(service: Service, expiry: object) -> None:
    refusal(search_tools(service, bearer(token(PHARMA, exp=expiry))), 401)


def test_the_tenant_of_a_person_is_their_row_where_the_token_has_none(own_service: ServiceUnderTest) -> None:
    ((person,),) = own_service.sql(
        "UPDATE users SET tenant_id = %s WHERE id = (SELECT min(id::text) FROM users WHERE tenant_id IS NULL)::uuid"
        " RETURNING id::text",
        PHARMA,
    )

    assert tenants_seen(search_tools(own_service.service, bearer(token(None, sub=person)))) == {PHARMA, PLATFORM}
