"""The session of a logged-in admin, as a credential of the API and in the admin's pages."""

import pytest

from tests.support import admin_session
from tests.support.cast import PHARMA, PLATFORM
from tests.support.command_results import Manage
from tests.support.contract import PROMPTS, refusal
from tests.support.requests import PROMPT, search_tools, tenants_seen
from tests.support.service_under_test import ServiceUnderTest
from tests.support.session_cookies import sent
from tests.support.tokens import Who


@pytest.fixture(scope="module")
def session(own_service: ServiceUnderTest, manage: Manage) -> Who:
    """The cookies of a superuser of the admin who has logged in."""
    return sent(admin_session.of_superuser(own_service, manage, "root"))


def test_the_admins_session_reads_every_tenant(own_service: ServiceUnderTest, session: Who) -> None:
    assert tenants_seen(search_tools(own_service.service, session | {"x-tenant-id": PHARMA})) == {PHARMA, PLATFORM}


def test_a_session_writes_only_with_its_token_against_forgery(own_service: ServiceUnderTest, session: Who) -> None:
    before = own_service.count("prompts", PHARMA)

    for page in ({}, {"Sec-Fetch-Site": "same-origin"}):
        answer = own_service.service.post(
            PROMPTS, session | {"x-tenant-id": PHARMA} | page, PROMPT | {"name": "Forged"}
        )
        refusal(answer, 403)

    assert own_service.count("prompts", PHARMA) == before


PAGES = (
    "tenants/tenantrecord", "tenants/tenant", "tenants/membership", "tenants/apikey", "migrations_ops/run",
    "migrations_ops/ledgerentry", "migrations_ops/finding", "catalog/tool", "catalog/agent", "auth/user",
)  # fmt: skip


@pytest.mark.parametrize("listed", PAGES)
def test_the_admin_opens_though_the_services_login_owns_nothing(
    own_service: ServiceUnderTest, session: Who, listed: str
) -> None:
    assert own_service.service.get(f"/admin/{listed}/", session).status == 200


def test_a_stranger_is_led_to_the_admins_login(own_service: ServiceUnderTest) -> None:
    answer = own_service.service.get("/admin/catalog/tool/")

    assert (answer.status, answer.headers["location"]) == (302, "/admin/login/?next=/admin/catalog/tool/")
