"""Header, host name, cookie, credential: which of them chooses the tenant, by any of its ids; none grants it."""

import http.client
from itertools import product
from uuid import UUID

import pytest

from tests.support.cast import (
    ALIAS_OF_ASLEEP,
    ALIAS_OF_PHARMA,
    ALIAS_OF_PLATFORM,
    ALIASES,
    ASLEEP,
    DIGITAL_HEALTH,
    PHARMA,
    PLATFORM,
    STRANGER,
    UNKNOWN,
)
from tests.support.cast_rows import SEARCH
from tests.support.contract import refusal
from tests.support.service import Answer, Headers, Line, Service
from tests.support.service_under_test import ServiceUnderTest
from tests.support.session_cookies import cookie as session_cookie
from tests.support.tokens import NOBODY, Who, bearer, key, super_admin, token, user

LOOK = f"/api/tools-crud?search={SEARCH}"
EVERY_TENANT = {PLATFORM, DIGITAL_HEALTH, PHARMA, STRANGER}
MALFORMED = "not-a-uuid"

# What a caller is: the tenants it may use, and its own.
CALLERS: dict[str, tuple[Who, set[str], str | None]] = {
    "digital health": (user(DIGITAL_HEALTH), {DIGITAL_HEALTH}, DIGITAL_HEALTH),
    "pharma": (user(PHARMA), {PHARMA}, PHARMA),
    "pharma by another id": (user(ALIAS_OF_PHARMA), {PHARMA}, PHARMA),
    "pharma's session": (session_cookie(token(PHARMA)), {PHARMA}, PHARMA),
    "super admin's session": (session_cookie(token(None, "super_admin")), EVERY_TENANT, None),
    "super admin": (super_admin(), EVERY_TENANT, None),
    "super admin of the platform": (bearer(token(PLATFORM, "super_admin")), EVERY_TENANT, PLATFORM),
    "nobody": (NOBODY, set(), None),
}
HEADERS = (None, "", PLATFORM, DIGITAL_HEALTH, PHARMA, UNKNOWN, ASLEEP, MALFORMED, *ALIASES)
HOSTS = {  # host name: the tenant it chooses
    "127.0.0.1": None,
    "example.org": None,
    "digital-health.example.org": DIGITAL_HEALTH,
    "PHARMA.example.org": PHARMA,
    "unknown.example.org": UNKNOWN,
    "asleep.example.org": ASLEEP,
    "pharma.example.net": None,  # an allowed host, but not under the tenants' domain
    "pharma.localhost": None,  # in demo mode only
    "Drugs.example.net": PHARMA,  # a name of its own
    "sleeper.example.net": ASLEEP,
    "shared.example.net": None,  # what the Platform's record names is the service's own
}
COOKIES = (None, "", PHARMA, STRANGER, ALIAS_OF_PLATFORM, ASLEEP, MALFORMED)


def oracle(who: str, header: str | None, host: str | None, cookie: str | None) -> tuple[int, str | None]:
    """(status, tenant) by the contract: the first that says something chooses; then it must be allowed. A cookie that
    names one which is not has said nothing."""
    _, allowed, own = CALLERS[who]
    if who == "nobody":
        return 401, None
    if header == MALFORMED:
        return 400, None
    hint = ALIASES.get(cookie, cookie) if cookie else None
    named = (ALIASES.get(header, header) if header else None, host, hint if hint in allowed else None, own)
    chosen = next((name for name in named if name), None)
    if chosen is not None and chosen not in allowed:
        return 403, None
    return 200, chosen


def seen(answer: Answer) -> set[str]:
    return {tool["tenant_id"] for tool in answer.json["tools"]}


def checked(line: Line, who: str, header: str | None, host: str, cookie: str | None) -> str:
    """What is wrong with the answer to this combination, or an empty text."""
    headers = dict(CALLERS[who][0])
    if header is not None:
        headers["x-tenant-id"] = header
    if cookie is not None:
        headers["Cookie"] = "; ".join([*filter(None, [headers.get("Cookie")]), f"tenant_id={cookie}"])
    answer = line.call("GET", LOOK, headers, host=host)
    status, tenant = oracle(who, header, HOSTS[host], cookie)
    combination = f"header {header}, host {host}, cookie {cookie}"
    if answer.status != status:
        return f"{combination}: {status} was expected, not {answer}"
    if status != 200:
        refusal(answer, status)
    elif seen(answer) != {tenant or PLATFORM, PLATFORM}:
        return f"{combination}: rows of {seen(answer)}"
    elif tenant and answer.headers["x-tenant-id"] != tenant:
        return f"{combination}: the answer names {answer.headers['x-tenant-id']}"
    return ""


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("who", CALLERS)
def test_the_first_that_says_something_chooses_among_the_allowed(
    service: Service, who: str, header: str | None
) -> None:
    with service.line() as line:
        wrong = [checked(line, who, header, host, cookie) for host, cookie in product(HOSTS, COOKIES)]

    assert [message for message in wrong if message] == []


def test_a_key_chooses_its_own_tenant_only(service: Service, read_key: str) -> None:
    assert seen(service.get(LOOK, key(read_key))) == {DIGITAL_HEALTH, PLATFORM}
    refusal(service.get(LOOK, key(read_key), host="pharma.example.org"), 403)
    refusal(service.get(LOOK, key(read_key) | {"x-tenant-id": PHARMA}), 403)
    for hint in (PHARMA, PLATFORM, MALFORMED, ""):
        assert seen(service.get(LOOK, key(read_key) | {"Cookie": f"tenant_id={hint}"})) == {DIGITAL_HEALTH, PLATFORM}


def test_unknown_inactive_and_not_allowed_look_the_same(service: Service) -> None:
    bodies = {
        service.get(LOOK, user(PHARMA) | {"x-tenant-id": tenant}).body
        for tenant in (UNKNOWN, ASLEEP, ALIAS_OF_ASLEEP, DIGITAL_HEALTH, STRANGER, PLATFORM, ALIAS_OF_PLATFORM)
    }
    bodies |= {
        service.get(LOOK, user(PHARMA), host=f"{slug}.example.org").body
        for slug in ("unknown", "asleep", "digital-health", "stranger")
    }

    assert len(bodies) == 1, bodies


def test_an_inactive_tenants_own_token_is_refused(service: Service) -> None:
    own = service.get(LOOK, user(ASLEEP))
    unknown = service.get(LOOK, user(UNKNOWN))

    refusal(own, 403)
    assert own.body == unknown.body


def test_two_credentials_of_two_tenants_open_neither_others_rows(service: Service, read_key: str) -> None:
    answer = service.get(LOOK, user(PHARMA) | key(read_key))

    assert answer.status in {400, 401, 403} or seen(answer) in ({PHARMA, PLATFORM}, {DIGITAL_HEALTH, PLATFORM}), answer


# --- tenant ids as nobody should send them ---

ODD: dict[str, str | bytes] = {
    "two tenants in one header": DIGITAL_HEALTH + "," + PHARMA,
    "another after a blank": f"{DIGITAL_HEALTH} {PHARMA}",
    "braces without an end": "{" + DIGITAL_HEALTH,
    "one digit too many": DIGITAL_HEALTH + "1",
    "one digit too few": DIGITAL_HEALTH[:-1],
    "a slug": "digital-health",
    "sql": f"{DIGITAL_HEALTH}' OR '1'='1",
    "a number": "1",
    "null": "null",
    "undefined": "undefined",
    "a star": "*",
    "other digits": DIGITAL_HEALTH.replace("1", "\u0661").encode(),
    "latin-1": b"\xe9\xff",
    "utf-8": "тенант".encode(),
    "a tab inside": f"{DIGITAL_HEALTH[:8]}\t{DIGITAL_HEALTH[8:]}",
    "ten thousand signs": "1" * 10_000,
    "sixty thousand signs": "1" * 60_000,
}


@pytest.mark.parametrize("name", ODD)
def test_a_malformed_header_is_a_bad_request(service: Service, name: str) -> None:
    for who in (user(DIGITAL_HEALTH), super_admin()):
        headers: Headers = [*who.items(), ("x-tenant-id", ODD[name])]
        refusal(service.get(LOOK, headers), 400)


@pytest.mark.parametrize("name", [name for name, value in ODD.items() if name != "a tab inside"])
def test_a_malformed_cookie_is_passed_over(service: Service, name: str) -> None:
    value = ODD[name]
    cookie = b"tenant_id=" + (value if isinstance(value, bytes) else value.encode())
    headers: Headers = [*user(DIGITAL_HEALTH).items(), ("Cookie", cookie)]

    assert seen(service.get(LOOK, headers)) == {DIGITAL_HEALTH, PLATFORM}


def spellings(tenant: str) -> list[str]:
    return [tenant, tenant.upper(), f" {tenant} "]


@pytest.mark.parametrize("header", spellings(PHARMA), ids=["as printed", "upper case", "blanks around"])
def test_a_uuid_may_be_spelled_in_upper_case(service: Service, header: str) -> None:
    answer = service.get(LOOK, user(PHARMA) | {"x-tenant-id": header})

    assert seen(answer) == {PHARMA, PLATFORM}
    assert UUID(answer.headers["x-tenant-id"]) == UUID(PHARMA)


@pytest.mark.parametrize("second", [PHARMA, DIGITAL_HEALTH, MALFORMED, ""])
@pytest.mark.parametrize("who", ["digital health", "super admin"])
def test_a_header_given_twice_is_never_a_choice(service: Service, who: str, second: str) -> None:
    caller = CALLERS[who][0]
    headers = [*caller.items(), ("x-tenant-id", DIGITAL_HEALTH), ("X-Tenant-Id", second)]

    answer = service.get(LOOK, headers)

    if second in {DIGITAL_HEALTH, ""} and answer.status == 200:
        assert seen(answer) == {DIGITAL_HEALTH, PLATFORM}
    else:
        refusal(answer, answer.status)
        assert answer.status in {400, 403}


@pytest.mark.parametrize("empty", ["", " ", "\t"])
def test_an_empty_header_is_none(service: Service, empty: str) -> None:
    for who, tenants in ((user(DIGITAL_HEALTH), {DIGITAL_HEALTH, PLATFORM}), (super_admin(), {PLATFORM})):
        assert seen(service.get(LOOK, who | {"x-tenant-id": empty})) == tenants


@pytest.mark.parametrize("value", [b"\0", DIGITAL_HEALTH.encode() + b"\0", b"\x7f", b"\x01"])
def test_control_signs_in_a_header_are_refused_before_anything(service: Service, value: bytes) -> None:
    """By the server itself, which may not know our shape of an error."""
    headers: Headers = [*user(DIGITAL_HEALTH).items(), ("x-tenant-id", value)]
    try:
        answer = service.get(LOOK, headers)
    except http.client.RemoteDisconnected:
        return

    assert 400 <= answer.status < 500, answer
    assert b"tenant_id" not in answer.body


def test_a_header_beyond_all_bounds_is_refused(service: Service) -> None:
    headers: Headers = [*user(DIGITAL_HEALTH).items(), ("x-tenant-id", "1" * 1_000_000)]
    try:
        answer = service.get(LOOK, headers)
    except (http.client.RemoteDisconnected, ConnectionError):
        return

    assert 400 <= answer.status < 500, answer


@pytest.mark.parametrize(
    "host",
    [
        "evil.test",
        "pharma.example.org.evil.test",
        "pharma.example.org:evil",
        "-.example.org",
        "a b.example.org",
        "'.example.org",
        "%00.example.org",
        "x" * 300 + ".example.org",
    ],
)
def test_a_host_that_is_not_ours_is_refused(service: Service, host: str) -> None:
    answer = service.get(LOOK, user(PHARMA), host=host)

    refusal(answer, answer.status)
    assert answer.status in {400, 403}


def test_a_deeper_subdomain_is_not_the_tenants(service: Service) -> None:
    answer = service.get(LOOK, super_admin(), host="pharma.other.example.org")

    if answer.status == 200:
        assert seen(answer) == {PLATFORM}
    else:
        refusal(answer, answer.status)
        assert answer.status in {400, 403}


def test_forwarded_names_choose_nothing(service: Service) -> None:
    headers = {"X-Forwarded-Host": "pharma.example.org", "Forwarded": "host=pharma.example.org"}

    assert seen(service.get(LOOK, super_admin() | headers)) == {PLATFORM}


def test_a_tenant_in_the_query_or_body_chooses_nothing(service: Service, shared_service: ServiceUnderTest) -> None:
    query = f"{LOOK}&tenant_id={PHARMA}&tenant={PHARMA}&x-tenant-id={PHARMA}"

    assert seen(service.get(query, user(DIGITAL_HEALTH))) == {DIGITAL_HEALTH, PLATFORM}
    assert seen(service.get(query, super_admin())) == {PLATFORM}
