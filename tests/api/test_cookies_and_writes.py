"""A credential that a browser sends by itself reads for every page, and writes for pages of ours alone."""

from itertools import product

import pytest

from tests.support import admin_session
from tests.support.cast import PHARMA
from tests.support.command_results import Manage
from tests.support.contract import DOMAINS, PROMPTS, TOOLS, refusal
from tests.support.requests import PROMPT
from tests.support.service import ORIGIN, PRODUCTION, Answer, Headers, Service, served
from tests.support.service_under_test import ServiceDatabase, ServiceUnderTest, new_key
from tests.support.session_cookies import cookie, sent
from tests.support.tokens import NOBODY, Who, admin, key, token

NOTHING = f"{PROMPTS}/nothing"  # a write to it is 404, once it may write at all
SITES = (None, "same-origin", "same-site", "cross-site", "none", "", "same-origin, cross-site", "Same-Origin")
VERBS = ("POST", "PUT", "PATCH", "DELETE")


@pytest.fixture(scope="module")
def own(own_service: ServiceUnderTest) -> str:
    """The service's own origin."""
    return f"http://127.0.0.1:{own_service.service.port}"


@pytest.fixture(scope="module")
def browsers(own_service: ServiceUnderTest, manage: Manage) -> dict[str, Who]:
    """What browsers send by themselves, for Pharma; the admin's pages add its CSRF token."""
    session = admin_session.of_superuser(own_service, manage, "cookies")
    return {
        "supabase": cookie(token(PHARMA, "admin")),
        "admin": sent(session) | {"x-csrftoken": session["csrftoken"], "x-tenant-id": PHARMA},
    }


def origins(own: str) -> dict[str, str | None]:
    port = own.rpartition(":")[2]
    return {
        "none": None, "own": own, "own in capitals": own.upper().replace("HTTP", "http"), "allowed": ORIGIN,
        "null": "null", "another": "https://evil.test", "another port": f"http://127.0.0.1:{int(port) + 1}",
        "another scheme": own.replace("http", "https"), "longer than own": f"{own}.evil.test", "own as a user": f"http://{own[7:]}@evil.test",
        "longer than allowed": f"{ORIGIN}.evil.test", "allowed with a path": f"{ORIGIN}/", "two": f"{ORIGIN}, https://evil.test",
        "empty": "",
    }  # fmt: skip


def may_write(site: str | None, origin: str) -> bool:
    """By the contract: one of the two says that the page is of this origin, or of an allowed one."""
    return (
        site == "same-origin"
        or origin == "allowed"
        or (site is None and origin.startswith("own") and "user" not in origin)
    )


@pytest.mark.parametrize("who", ["supabase", "admin"])
@pytest.mark.parametrize("site", SITES)
def test_it_writes_for_pages_of_ours(
    own_service: ServiceUnderTest, browsers: dict[str, Who], own: str, who: str, site: str | None
) -> None:
    with own_service.service.line() as line:
        for name, origin in origins(own).items():
            said = {"Sec-Fetch-Site": site, "Origin": origin}
            answer = line.call("DELETE", NOTHING, browsers[who] | {h: v for h, v in said.items() if v is not None})
            refusal(answer, 404 if may_write(site, name) else 403)
            assert answer.json["code"] in {"not_found", "cross_origin_write"}, (site, name, answer)


def test_behind_tls_the_origin_is_what_the_proxy_has_been_asked(service_database: ServiceDatabase) -> None:
    old_browser = cookie(token(PHARMA)) | {"Origin": "https://pharma.example.org"}
    with served(service_database.login, PRODUCTION | {"VITAL_BEHIND_TLS": "1"}) as behind:
        for said, status in (({"X-Forwarded-Proto": "https"}, 404), ({}, 403), ({"X-Forwarded-Proto": "http"}, 403)):
            refusal(behind.call("DELETE", NOTHING, old_browser | said, host="pharma.example.org"), status)
        for said in ({"X-Forwarded-Host": "pharma.example.org"}, {"Forwarded": "host=pharma.example.org;proto=https"}):
            refusal(behind.delete(NOTHING, old_browser | said), 403)


@pytest.mark.parametrize("who", ["supabase", "admin"])
@pytest.mark.parametrize(
    "page", [{}, {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.test"}, {"Origin": "null"}]
)
def test_nothing_is_written_for_another_page(
    own_service: ServiceUnderTest, browsers: dict[str, Who], who: str, page: Who
) -> None:
    before = own_service.rows("prompts"), own_service.rows("tools")
    mine = own_service.rows("prompts", PHARMA)[0]["id"]
    tool = own_service.rows("tools", PHARMA)[0]["id"]
    bodies = {"POST": PROMPT | {"name": "Forged"}, "PUT": {"id": mine, "description": "forged"}}

    for verb, path in product(VERBS, (PROMPTS, f"{PROMPTS}/{mine}", f"{PROMPTS}?id={mine}", f"{TOOLS}/{tool}")):
        answer = own_service.service.call(verb, path, browsers[who] | page, bodies.get(verb, {"description": "forged"}))
        refusal(answer, 403)
        assert answer.json["code"] == "cross_origin_write"

    assert (own_service.rows("prompts"), own_service.rows("tools")) == before


def test_what_a_page_of_ours_writes_is_written(own_service: ServiceUnderTest, browsers: dict[str, Who]) -> None:
    page = {"Sec-Fetch-Site": "same-origin"}
    for who in browsers:
        made = own_service.service.post(PROMPTS, browsers[who] | page, PROMPT | {"name": f"Of {who}"})
        assert made.status == 201, made
        changed = own_service.service.put(
            f"{PROMPTS}/Of {who}".replace(" ", "%20"), browsers[who] | page, {"status": "draft"}
        )
        assert changed.json["prompt"]["status"] == "draft"
        assert own_service.service.delete(f"{PROMPTS}?id=Of%20{who}", browsers[who] | page).status == 200


def test_what_is_sent_on_purpose_writes_for_every_page(own_service: ServiceUnderTest, manage: Manage) -> None:
    """No page can make a browser add these headers, unless its origin is allowed."""
    foreign = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.test"}
    for who in (admin(PHARMA), key(new_key(own_service.database, manage, "pharma", "write"))):
        refusal(own_service.service.delete(NOTHING, who | foreign), 404)
        refusal(own_service.service.delete(NOTHING, who | foreign | cookie(token(PHARMA))), 404)


@pytest.mark.parametrize("verb", ["GET", "HEAD", "OPTIONS"])
def test_reading_is_for_every_page(own_service: ServiceUnderTest, browsers: dict[str, Who], verb: str) -> None:
    """That a page of another origin sees the answer is for CORS to prevent."""
    for who in browsers.values():
        answer = own_service.service.call(verb, f"{TOOLS}?limit=1", who | {"Sec-Fetch-Site": "cross-site"})
        assert answer.status in {200, 204}
        assert answer.headers["Access-Control-Allow-Origin"] is None


OVERRIDES: dict[str, Headers] = {
    "a header": [("X-HTTP-Method-Override", "DELETE"), ("X-HTTP-Method", "DELETE"), ("X-Method-Override", "DELETE")],
    "none": [],
}


@pytest.mark.parametrize("name", OVERRIDES)
def test_no_link_is_taken_for_a_write(own_service: ServiceUnderTest, browsers: dict[str, Who], name: str) -> None:
    mine = own_service.rows("prompts", PHARMA)[0]
    for who in browsers.values():
        headers = [*who.items(), *OVERRIDES[name], ("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "navigate")]
        for query in ("_method=DELETE", "method=DELETE", "_HttpMethod=DELETE"):
            answer = own_service.service.get(f"{PROMPTS}/{mine['id']}?{query}", headers)
            assert answer.json["prompt"]["id"] == mine["id"]
    assert own_service.rows("prompts", PHARMA)[0] == mine


def test_the_operators_addresses_keep_it_too(own_service: ServiceUnderTest) -> None:
    """A body may be left out there, so that a plain form would do."""
    chief, form = cookie(token(None, "super_admin")), {"Content-Type": "application/x-www-form-urlencoded"}
    for path in ("runs/999999/cancel", "runs/999999/pause", "runs/999999/undo", "decisions", "runs"):
        for page in ({}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.test"}):
            answer = own_service.service.call("POST", f"/api/migrations/{path}", chief | form | page, b"")
            refusal(answer, 403)
            assert answer.json["code"] == "cross_origin_write"
    assert _cancelled(own_service.service, chief).status == 404
    assert own_service.sql("SELECT count(*) FROM vital.run WHERE status = 'running'") == [(0,)]


def _cancelled(service: Service, chief: Who) -> Answer:
    return service.call("POST", "/api/migrations/runs/999999/cancel", chief | {"Sec-Fetch-Site": "same-origin"}, {})


def test_whoever_is_not_known_learns_nothing_of_the_rule(own_service: ServiceUnderTest) -> None:
    for who in (NOBODY, cookie("garbage"), {"Cookie": "sessionid=abcdefghijklmnopqrstuvwxyz012345"}):
        refusal(own_service.service.delete(NOTHING, who), 401)
        refusal(own_service.service.post(DOMAINS, who, {}), 401)
