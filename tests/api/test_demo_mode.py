"""Demo mode: the tenant's header is the credential, on local names only."""

from collections.abc import Iterator

import pytest

from tests.support.cast import DIGITAL_HEALTH, PHARMA, PLATFORM, UNKNOWN
from tests.support.cast_rows import SEARCH
from tests.support.contract import PROMPTS, TOOLS, refusal
from tests.support.requests import PROMPT, search_tools, tenants_seen
from tests.support.service import PRODUCTION, Service, served
from tests.support.service_under_test import ServiceUnderTest
from tests.support.tokens import NOBODY


def test_demo_mode_takes_the_header_for_a_credential(demo_service: ServiceUnderTest) -> None:
    assert tenants_seen(search_tools(demo_service.service, {"x-tenant-id": DIGITAL_HEALTH})) == {
        DIGITAL_HEALTH,
        PLATFORM,
    }


def test_demo_mode_without_a_header_shows_what_is_shared(demo_service: ServiceUnderTest) -> None:
    assert tenants_seen(search_tools(demo_service.service, NOBODY)) == {PLATFORM}
    refusal(demo_service.service.post(PROMPTS, NOBODY, PROMPT), 400)


def test_demo_mode_reads_the_tenant_from_a_local_subdomain(demo_service: ServiceUnderTest) -> None:
    answer = demo_service.service.get(
        f"{TOOLS}?search={SEARCH}", NOBODY, host=f"pharma.localhost:{demo_service.service.port}"
    )

    assert tenants_seen(answer) == {PHARMA, PLATFORM}


def test_demo_mode_knows_no_tenant_that_is_not_there(demo_service: ServiceUnderTest) -> None:
    refusal(search_tools(demo_service.service, {"x-tenant-id": UNKNOWN}), 403)
    refusal(search_tools(demo_service.service, {"x-tenant-id": "not-a-uuid"}), 400)


@pytest.mark.parametrize("host", ["pharma.example.org", "192.0.2.7", "localhost.example.org", "evil.example.net"])
def test_demo_mode_answers_to_local_names_only(demo_service: ServiceUnderTest, host: str) -> None:
    answer = demo_service.service.get(f"{TOOLS}?search={SEARCH}", {"x-tenant-id": DIGITAL_HEALTH}, host=host)

    refusal(answer, answer.status)
    assert answer.status in {400, 401, 403}


@pytest.fixture
def public_demo(demo_service: ServiceUnderTest) -> Iterator[Service]:
    settings = {
        "VITAL_DEMO": "1",
        "VITAL_DEMO_PUBLIC": "1",
        "VITAL_SECRET_KEY": PRODUCTION["VITAL_SECRET_KEY"],
        "VITAL_ALLOWED_HOSTS": "demo.example.org,127.0.0.1",
    }
    with served(demo_service.login, settings) as service:
        yield service


def test_a_public_demo_answers_to_its_own_names(public_demo: Service) -> None:
    query, who = f"{TOOLS}?search={SEARCH}", {"x-tenant-id": DIGITAL_HEALTH}

    assert public_demo.get(query, who, host="demo.example.org").status == 200
    assert public_demo.get(query, who, host="other.example.org").status == 400
