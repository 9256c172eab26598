"""Every refusal is a JSON sentence without internals; every answer names its tenant."""

import json
from typing import Any
from urllib.parse import quote

import pytest

from tests.support.cast import DIGITAL_HEALTH, PHARMA
from tests.support.contract import DOMAINS, PROMPTS, TOOLS, refusal
from tests.support.service import ORIGIN, Headers, Service
from tests.support.service_under_test import ServiceUnderTest
from tests.support.tokens import NOBODY, Who, admin, super_admin, user

PROMPT = {
    "name": "Errors and limits",
    "display_name": "x",
    "description": "x",
    "domain": "zoology",
    "system_prompt": "x",
    "user_prompt_template": "x",
}


# --- addresses and verbs ---


@pytest.mark.parametrize(
    "path", ["/api/", "/api/nothing", "/api/nothing/", "/api/tools", "/api/tools-crud/a/b", "/api/%00"]
)
def test_an_unknown_address_is_a_json_404(service: Service, path: str) -> None:
    for who in (NOBODY, user(PHARMA)):
        answer = service.get(path, who)
        refusal(answer, answer.status)
        assert answer.status == 404 or (answer.status == 401 and who == NOBODY)
    for method in ("POST", "PUT", "DELETE"):
        refusal(service.call(method, path, user(PHARMA), {}), 404)


@pytest.mark.parametrize(
    ("method", "path"),
    [("PATCH", DOMAINS), ("DELETE", DOMAINS), ("TRACE", TOOLS), ("PURGE", TOOLS), ("POST", f"{TOOLS}/x"),
     ("POST", "/api/tenants"), ("GET_", TOOLS)],
)  # fmt: skip
def test_a_verb_that_is_not_there_is_refused(service: Service, method: str, path: str) -> None:
    refusal(service.call(method, path, admin(PHARMA)), 405)


# --- bodies ---

BODIES: dict[str, bytes] = {
    "no json": b"name=x",
    "half of json": b'{"name": ',
    "a text": b'"x"',
    "null": b"null",
    "a number": b"7",
    "two documents": b"{}{}",
    "no utf-8": b'{"name": "\xff\xfe"}',
    "utf-16": '{"name": "x"}'.encode("utf-16"),
    "too deep": b"[" * 100_000 + b"]" * 100_000,
    "too deep inside": b'{"name": ' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    "not a number": json.dumps(PROMPT).encode()[:-1] + b', "estimated_tokens": NaN}',
    "infinity": json.dumps(PROMPT).encode()[:-1] + b', "extra": Infinity}',
    "half a character": json.dumps(PROMPT).encode()[:-1] + b', "extra": "\\ud800"}',
    "a null character": json.dumps(PROMPT).encode()[:-1] + b', "extra": {"deep": ["\\u0000"]}}',
    "a null character in a key": json.dumps(PROMPT).encode()[:-1] + b', "ex\\u0000tra": 1}',
    "a number beyond all bounds": json.dumps(PROMPT).encode()[:-1] + b', "extra": 1' + b"0" * 5000 + b"}",
}


@pytest.mark.parametrize("name", BODIES)
def test_a_body_that_is_no_json_object_is_refused(
    shared_service: ServiceUnderTest, service: Service, name: str
) -> None:
    before = shared_service.rows("prompts", PHARMA)
    (own,) = [row["id"] for row in before if row["name"] == "Zebra prompt of pharma"]

    for method, path in (("POST", PROMPTS), ("PUT", f"{PROMPTS}/{own}")):
        refusal(service.call(method, path, user(PHARMA), BODIES[name]), 400)

    assert shared_service.rows("prompts", PHARMA) == before


def test_nothing_is_no_prompt(service: Service) -> None:
    refusal(service.call("POST", PROMPTS, user(PHARMA), b""), 400)


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x"])
def test_only_json_is_read(shared_service: ServiceUnderTest, service: Service, kind: str) -> None:
    before = shared_service.count("prompts")

    answer = service.call(
        "POST", PROMPTS, user(PHARMA) | {"Content-Type": kind}, json.dumps(PROMPT | {"name": kind}).encode()
    )

    assert answer.status in {400, 415}, answer
    refusal(answer, answer.status)
    assert shared_service.count("prompts") == before


def test_a_body_beyond_all_bounds_is_refused(shared_service: ServiceUnderTest, service: Service) -> None:
    before = shared_service.count("prompts")

    refusal(service.post(PROMPTS, user(PHARMA), PROMPT | {"system_prompt": "x" * 30_000_000}), 413)

    assert shared_service.count("prompts") == before


# --- parameters ---

ODD = [
    "",
    "%00",
    "%FF",
    "%C3%28",
    "1e3",
    "0x10",
    "+5",
    "10000000000000000000000",
    "-0",
    "٣",
    "NaN",
    "1;DROP",
    "' OR 1=1",
]
KNOWN = {
    TOOLS: ("limit", "offset", "search", "category", "tool_type", "status", "is_active", "showAll", "cursor"),
    PROMPTS: ("domain", "search", "suite", "complexity", "status", "page", "limit", "showAll", "action", "id"),
    DOMAINS: ("limit", "search"),
}


@pytest.mark.parametrize(("path", "name"), [(path, name) for path, names in KNOWN.items() for name in names])
def test_no_value_of_a_parameter_is_an_error_of_ours(service: Service, path: str, name: str) -> None:
    with service.line() as line:
        for value in ODD:
            sent = value if value.startswith("%") else quote(value)
            small = "" if name == "limit" else "&limit=1"
            answer = line.call("GET", f"{path}?{name}={sent}{small}", user(PHARMA))
            if answer.status != 200:
                refusal(answer, answer.status)
                assert answer.status in {400, 404}, answer


@pytest.mark.parametrize(
    "query",
    [f"{TOOLS}?limit=5&limit=abc", f"{TOOLS}?limit", f"{TOOLS}?&&=&=1", f"{TOOLS}?{'a=1&' * 2000}", f"{TOOLS}?%"],
)
def test_an_odd_query_is_no_error_of_ours(service: Service, query: str) -> None:
    answer = service.get(query, user(PHARMA))

    if answer.status != 200:
        refusal(answer, 400)


@pytest.mark.parametrize("name", ["%00", "a" * 5000, "%F0%9F%A6%93", "..%2F..", "%25", "'%3B--", "%0A", "{}"])
def test_no_name_of_a_row_is_an_error_of_ours(service: Service, name: str) -> None:
    for method, path in (
        ("GET", f"{TOOLS}/{name}"),
        ("DELETE", f"{PROMPTS}/{name}"),
        ("DELETE", f"{PROMPTS}?id={name}"),
    ):
        answer = service.call(method, path, user(PHARMA))
        refusal(answer, answer.status)
        assert answer.status in {400, 404}, answer


# --- what every answer carries ---

EVERY: dict[str, tuple[int, str, str, Who, Any]] = {
    "read": (200, "GET", f"{TOOLS}?limit=1", user(PHARMA), None),
    "bad request": (400, "GET", f"{TOOLS}?limit=abc", user(PHARMA), None),
    "no credential": (401, "GET", TOOLS, NOBODY, None),
    "no such tenant": (403, "GET", TOOLS, user(PHARMA) | {"x-tenant-id": DIGITAL_HEALTH}, None),
    "malformed tenant": (400, "GET", TOOLS, user(PHARMA) | {"x-tenant-id": "x"}, None),
    "no such row": (404, "GET", f"{TOOLS}/nothing", user(PHARMA), None),
    "no such address": (404, "GET", "/api/nothing", user(PHARMA), None),
    "no such verb": (405, "PATCH", DOMAINS, user(PHARMA), {}),
    "forbidden": (403, "POST", TOOLS, user(PHARMA), {"name": "x", "code": "x"}),
    "taken": (409, "POST", PROMPTS, user(PHARMA), PROMPT | {"name": "Zebra prompt of pharma"}),
    "everybody's": (200, "GET", DOMAINS, NOBODY, None),
    "no tenant": (200, "GET", f"{TOOLS}?limit=1", super_admin(), None),
}


@pytest.mark.parametrize("name", EVERY)
def test_every_answer_has_an_id_of_its_own_and_says_whose_it_is(service: Service, name: str) -> None:
    status, method, path, who, body = EVERY[name]

    first, second = (service.call(method, path, who, body) for _ in range(2))

    assert first.status == status, first
    assert first.headers["x-request-id"]
    assert first.headers["x-request-id"] != second.headers["x-request-id"]
    assert first.headers["x-tenant-id"] is not None, "each response carries x-tenant-id"


def test_the_tenant_that_is_named_is_the_one_that_was_served(service: Service) -> None:
    assert service.get(f"{TOOLS}?limit=1", user(PHARMA)).headers["x-tenant-id"] == PHARMA
    assert service.get(f"{TOOLS}?limit=1", super_admin(DIGITAL_HEALTH)).headers["x-tenant-id"] == DIGITAL_HEALTH
    assert service.get(f"{TOOLS}/nothing", user(PHARMA)).headers["x-tenant-id"] == PHARMA


def test_a_refused_tenant_is_not_named_as_served(service: Service) -> None:
    answer = service.get(TOOLS, user(PHARMA) | {"x-tenant-id": DIGITAL_HEALTH})

    assert answer.status == 403
    assert answer.headers["x-tenant-id"] != DIGITAL_HEALTH


def test_an_id_of_the_callers_cannot_smuggle_anything(service: Service) -> None:
    headers: Headers = [*user(PHARMA).items(), ("x-request-id", b"a\xff<script>" + b"x" * 9000)]

    answer = service.get(f"{TOOLS}?limit=1", headers)

    assert answer.status == 200, answer
    assert "script" not in answer.headers["x-request-id"]


# --- other origins ---


ALLOWED_HEADERS = ("x-tenant-id", "authorization", "x-api-key", "x-csrf-token", "if-none-match", "if-match", "prefer")


def preflight(service: Service, origin: str, headers: str = ",".join(ALLOWED_HEADERS)) -> Any:
    asked = {"Origin": origin, "Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": headers}
    return service.call("OPTIONS", f"{TOOLS}/x", asked)


def test_a_browser_of_a_listed_origin_may_ask(service: Service) -> None:
    answer = preflight(service, ORIGIN)

    assert answer.status in {200, 204}, answer
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    allowed = {name.strip().lower() for name in answer.headers["Access-Control-Allow-Headers"].split(",")}
    assert allowed >= {*ALLOWED_HEADERS}
    methods = {name.strip() for name in answer.headers["Access-Control-Allow-Methods"].split(",")}
    assert methods >= {"GET", "POST", "PUT", "PATCH", "DELETE"}


@pytest.mark.parametrize(
    "origin", ["https://evil.example.net", "http://app.example.org", f"{ORIGIN}.evil.test", "null"]
)
def test_a_browser_of_another_origin_may_not(service: Service, origin: str) -> None:
    assert preflight(service, origin).headers["Access-Control-Allow-Origin"] is None
    read = service.get(f"{TOOLS}?limit=1", user(PHARMA) | {"Origin": origin})
    assert read.headers["Access-Control-Allow-Origin"] is None


@pytest.mark.parametrize(("path", "status"), [(f"{TOOLS}?limit=1", 200), (f"{TOOLS}/nothing", 404)])
def test_a_listed_origin_may_read_answers_and_refusals(service: Service, path: str, status: int) -> None:
    answer = service.get(path, user(PHARMA) | {"Origin": ORIGIN})

    assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (status, ORIGIN)
    shown = {name.strip().lower() for name in answer.headers["Access-Control-Expose-Headers"].split(",")}
    assert shown == {"etag", "location", "preference-applied", "retry-after", "x-request-id", "x-tenant-id"}


def test_a_refused_credential_may_be_read_by_a_listed_origin_too(service: Service) -> None:
    assert service.get(TOOLS, {"Origin": ORIGIN}).headers["Access-Control-Allow-Origin"] == ORIGIN


def test_nothing_that_went_wrong_was_an_error_of_ours(service: Service) -> None:
    """The log of everything that these tests have sent to the shared service, this file's included."""
    assert "Traceback" not in service.said
