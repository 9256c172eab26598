"""Demo mode: the tenant's header is the credential, on local names only."""

from collections.abc import Iterator

import pytest

from tests.support.cast import DIGITAL_HEALTH, PHARMA, PLATFORM, UNKNOWN
from tests.support.cast_rows import SEARCH
from tests.support.contract import PROMPTS, TOOLS, refusal
from tests.support.requests import PROMPT, search_tools, tenants_seen
from tests.support.service import DEMO, JWT_SECRET, PRODUCTION, Service, served
from tests.support.service_under_test import ServiceUnderTest
from tests.support.session_cookies import cookie
from tests.support.tokens import NOBODY, token, user


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


# --- browsers ---


@pytest.mark.parametrize(
    ("origin", "may"),
    [
        ("http://localhost:3001", True),
        ("http://localhost", True),
        ("https://localhost:3001", False),
        ("http://localhost.evil.test", False),
        ("http://localhost:3001.evil.test", False),
        ("http://app.localhost:3001", False),
        ("http://evil.test", False),
        ("null", False),
    ],
)
def test_a_page_on_another_port_of_this_machine_may_ask(demo_service: ServiceUnderTest, origin: str, may: bool) -> None:
    asked = {"Origin": origin, "Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "x-tenant-id"}
    for answer in (
        demo_service.service.call("OPTIONS", f"{TOOLS}/x", asked),
        demo_service.service.get(f"{TOOLS}?limit=1", {"Origin": origin}),
    ):
        assert answer.headers["Access-Control-Allow-Origin"] == (origin if may else None)
        assert answer.headers["Access-Control-Allow-Credentials"] == ("true" if may else None)


def test_without_a_secret_the_cookie_of_whatever_project_says_nothing(demo_service: ServiceUnderTest) -> None:
    """A browser sends it by itself: on localhost those of all projects meet."""
    for signed in (token(DIGITAL_HEALTH), "garbage"):
        answer = search_tools(demo_service.service, cookie(signed) | {"x-tenant-id": PHARMA})
        assert tenants_seen(answer) == {PHARMA, PLATFORM}
    refusal(search_tools(demo_service.service, user(DIGITAL_HEALTH)), 401)


@pytest.mark.parametrize("hint", [PHARMA, "not-a-uuid", UNKNOWN, ""])
def test_the_cookie_of_the_frontends_is_a_hint(demo_service: ServiceUnderTest, hint: str) -> None:
    found = tenants_seen(search_tools(demo_service.service, {"Cookie": f"tenant_id={hint}"}))

    assert found == ({PHARMA, PLATFORM} if hint == PHARMA else {PLATFORM})


@pytest.fixture
def knowing_demo(demo_service: ServiceUnderTest) -> Iterator[Service]:
    with served(demo_service.login, DEMO | {"SUPABASE_JWT_SECRET": JWT_SECRET}) as service:
        yield service


def test_with_a_secret_the_cookie_counts_as_in_production(knowing_demo: Service) -> None:
    mine = cookie(token(PHARMA))

    assert tenants_seen(search_tools(knowing_demo, mine)) == {PHARMA, PLATFORM}
    refusal(search_tools(knowing_demo, mine | {"x-tenant-id": DIGITAL_HEALTH}), 403)
    refusal(search_tools(knowing_demo, cookie("garbage") | {"x-tenant-id": DIGITAL_HEALTH}), 401)
    refusal(knowing_demo.delete(f"{PROMPTS}/nothing", mine), 403)
    for page in ({"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "same-site", "Origin": "http://localhost:3001"}):
        refusal(knowing_demo.delete(f"{PROMPTS}/nothing", mine | page), 404)


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
