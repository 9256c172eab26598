"""Pages of other origins, in the browser of somebody who is logged in: whatever they try, nothing is written."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, BrowserType, Page

from tests.support import admin_session, cast_rows, frontend, service_under_test
from tests.support.cast import PHARMA, PLATFORM
from tests.support.command_results import Manage
from tests.support.ports import free_port
from tests.support.requests import PROMPT
from tests.support.service import PRODUCTION
from tests.support.service_under_test import ServiceDatabase, ServiceUnderTest
from tests.support.session_cookies import Cookies, encoded, parts, session
from tests.support.tokens import token

pytestmark = pytest.mark.slow  # some forty browsers, one after the other

VICTIM = "app.localhost"
NEIGHBOURS = {
    "another port": VICTIM,
    "a neighbour": f"other.{VICTIM}",
}  # of the same site: cookies that are Lax go along
PAGES = NEIGHBOURS | {"a stranger": "evil.localhost"}
# The owner of this browser lets pages of other sites have their cookies, as all browsers did for long.
PREFERENCES = {"profile": {"cookie_controls_mode": 0, "block_third_party_cookies": False}}
FORM = """([url, type, fields, method]) => {
  const form = Object.assign(document.createElement("form"), { action: url, method, enctype: type });
  for (const [name, value] of Object.entries(fields))
    form.append(Object.assign(document.createElement("input"), { name, value }));
  document.body.append(form);
  form.submit();
}"""
LINK = """(url) => {
  document.body.append(Object.assign(document.createElement("a"), { href: url, id: "link", textContent: "click me" }));
}"""
FETCH = """async ([url, options]) => {
  const answer = await fetch(url, { credentials: "include", ...options }).catch(() => null);
  return answer === null ? "nothing" : answer.type === "opaque" ? "opaque" : await answer.text();
}"""
LOADED = """([kind, url]) => new Promise((done) => {
  const part = document.createElement(kind);
  Object.assign(part, { onload: () => done("loaded"), onerror: () => done("refused"), src: url });
  document.body.append(part);
})"""
BEACON = "([url, type]) => navigator.sendBeacon(url, new Blob([JSON.stringify({ name: 'Forged' })], { type }))"
FORGED = PROMPT | {"name": "Forged"}
# What a form of text/plain sends, NAME=VALUE, is JSON with this name and value.
AS_TEXT = {json.dumps(FORGED)[:-1] + ', "more": "': '"}'}
JSON = {"headers": {"content-type": "application/json"}}


@dataclass(frozen=True)
class Scene:
    """The service, the frontend before it, and the ports of two servers of other pages, one of which is allowed."""

    opened: ServiceUnderTest
    front: int
    foreign: int
    allowed: int
    victims: dict[str, Cookies]

    def state(self) -> tuple[Any, ...]:
        """What a write would change, of every tenant's."""
        runs = self.opened.sql("SELECT id, status, stop_requested FROM vital.run ORDER BY id")
        audited = self.opened.sql("SELECT count(*) FROM vital.audit")
        return (self.opened.rows("prompts"), self.opened.rows("tools"), runs, audited)

    def targets(self) -> list[str]:
        """The frontend's origin, and the service's own port under the same name: cookies know no ports."""
        return [f"http://{VICTIM}:{port}" for port in (self.front, self.opened.service.port)]


@pytest.fixture(scope="module")
def scene(service_database: ServiceDatabase, manage: Manage) -> Iterator[Scene]:
    allowed = free_port()
    settings = PRODUCTION | {"VITAL_CORS_ORIGINS": f"http://ally.localhost:{allowed}"}
    prepare = cast_rows.let_everybody_manage_tools
    with (
        service_under_test.started(service_database, settings, prepare) as opened,
        frontend.served(opened.service.port, PLATFORM) as front,
        frontend.served(opened.service.port, PLATFORM) as foreign,
        frontend.served(opened.service.port, PLATFORM, port=allowed),
    ):
        chosen = {"tenant_id": PHARMA}
        mighty = {**parts(encoded(session(token(PHARMA, "super_admin"))), 2), **chosen}
        superuser = admin_session.of_superuser(opened, manage, "victim") | chosen
        yield Scene(opened, front, foreign, allowed, {"supabase": mighty, "admin": superuser})


@pytest.fixture(params=["Lax", "None"])
def same_site(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=["supabase", "admin"])
def browser_of_victim(
    scene: Scene, browser_type: BrowserType, browser_type_launch_args: dict[str, Any], tmp_path: Path, same_site: str,
    request: pytest.FixtureRequest,
) -> Iterator[BrowserContext]:  # fmt: skip
    (tmp_path / "Default").mkdir()
    (tmp_path / "Default" / "Preferences").write_text(json.dumps(PREFERENCES))
    context = browser_type.launch_persistent_context(tmp_path, **browser_type_launch_args)
    kind: Any = {"domain": VICTIM, "path": "/", "sameSite": same_site, "secure": same_site == "None"}
    cookies: Any = [{"name": name, "value": value, **kind} for name, value in scene.victims[request.param].items()]
    context.add_cookies(cookies)
    yield context
    context.close()


class Attacker:
    """A page of another origin. That its requests reach the service is known by the service's log: what a browser keeps
    from the page is kept from its tools as well."""

    def __init__(self, scene: Scene, page: Page, blank: str, target: str) -> None:
        self.service, self.page, self.blank, self.target = scene.opened.service, page, blank, target

    def tries(self, script: str, *arguments: Any, navigates: bool = False) -> list[tuple[str, int]]:
        """Run the script on a fresh page; (method, status) of each request that the service has answered."""
        self.page.goto(self.blank)
        before = len(self.service.said)
        if navigates:
            with self.page.expect_navigation():
                self.page.evaluate(script, list(arguments))
        else:
            self.heard = self.page.evaluate(script, list(arguments))
        self.page.wait_for_timeout(100)
        lines = [json.loads(line) for line in self.service.said[before:].splitlines() if line.startswith("{")]
        return [(line["method"], line["status"]) for line in lines if "status" in line]


@pytest.fixture(params=PAGES)
def attackers(scene: Scene, browser_of_victim: BrowserContext, request: pytest.FixtureRequest) -> list[Attacker]:
    """One for each address of the service."""
    blank = f"http://{PAGES[request.param]}:{scene.foreign}/blank"
    return [Attacker(scene, browser_of_victim.new_page(), blank, target) for target in scene.targets()]


def test_a_foreign_page_writes_nothing(scene: Scene, attackers: list[Attacker], same_site: str) -> None:
    before = scene.state()
    mine = scene.opened.rows("prompts", PHARMA)[0]["id"]
    for attacker in attackers:
        goes_along = same_site == "None" or "evil" not in attacker.blank
        by_form, by_script = _simple(attacker, mine)
        refused = [("POST", 403 if goes_along else 401)]
        assert by_form == dict.fromkeys(by_form, refused)
        assert by_script == dict.fromkeys(by_script, refused)
        assert _preflighted(attacker, mine) == []
        assert scene.state() == before


def _simple(attacker: Attacker, mine: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Requests that a browser sends for any page without a question before."""
    prompts = f"{attacker.target}/api/prompts-crud"
    forms: dict[str, tuple[str, dict[str, str]]] = {
        "application/x-www-form-urlencoded": (prompts, FORGED),
        "multipart/form-data": (prompts, FORGED),
        "text/plain": (prompts, AS_TEXT),
        "application/x-www-form-urlencoded ": (f"{prompts}/{mine}?_method=DELETE", {"_method": "DELETE"}),
    }
    by_form = {
        kind: attacker.tries(FORM, url, kind.strip(), fields, "post", navigates=True)
        for kind, (url, fields) in forms.items()
    }
    quiet = {"method": "POST", "mode": "no-cors", "body": json.dumps(FORGED)}
    by_script = {
        "no-cors": attacker.tries(FETCH, prompts, quiet),
        "no-cors as json": attacker.tries(FETCH, prompts, quiet | JSON),  # the header is dropped by the browser
        "cors": attacker.tries(FETCH, prompts, {"method": "POST", "body": json.dumps(FORGED)}),
        "beacon": attacker.tries(BEACON, prompts, "text/plain"),
    }
    return by_form, by_script


def _preflighted(attacker: Attacker, mine: str) -> list[tuple[str, int]]:
    """What a browser asks for before: the request itself never comes."""
    prompts = f"{attacker.target}/api/prompts-crud"
    found = attacker.tries(BEACON, prompts, "application/json")
    for method, path in (("POST", ""), ("PUT", f"/{mine}"), ("PATCH", f"/{mine}"), ("DELETE", f"?id={mine}")):
        found += attacker.tries(FETCH, prompts + path, {"method": method, "body": json.dumps(FORGED)} | JSON)
        assert attacker.heard == "nothing"
        found += (
            attacker.tries(FETCH, prompts + path, {"method": method, "mode": "no-cors", "body": "{}"} | JSON)
            if method != "POST"
            else []
        )
    override = {"method": "POST", "headers": {"x-http-method-override": "DELETE", "content-type": "text/plain"}}
    found += attacker.tries(FETCH, f"{prompts}/{mine}", override)
    return found


def test_a_foreign_page_reads_nothing_and_no_link_writes(
    scene: Scene, attackers: list[Attacker], same_site: str
) -> None:
    before = scene.state()
    mine = scene.opened.rows("prompts", PHARMA)[0]["id"]
    for attacker in attackers:
        row = f"{attacker.target}/api/prompts-crud/{mine}"
        attacker.tries(FETCH, row, {})
        assert attacker.heard == "nothing", "CORS says nothing of this origin"
        attacker.tries(FETCH, row, {"mode": "no-cors"})
        of_one_host = attacker.blank.split(":")[1] == attacker.target.split(":")[1]
        assert attacker.heard in {"nothing", "opaque"}
        for kind in ("script", "img"):
            attacker.tries(LOADED, kind, row)
            assert attacker.heard == "refused" or of_one_host
        answers = attacker.tries(FORM, row, "text/plain", {"_method": "DELETE", "method": "PUT"}, "get", navigates=True)
        assert answers == [("GET", 200)], "a person follows a link"
        assert scene.state() == before


def test_operators_addresses_need_no_body_and_yet_no_form_reaches_them(
    scene: Scene, attackers: list[Attacker], same_site: str
) -> None:
    before = scene.state()
    for attacker in (one for one in attackers if one.target.endswith(f":{scene.opened.service.port}")):
        goes_along = same_site == "None" or "evil" not in attacker.blank
        for path in ("runs", "runs/1/cancel", "runs/1/undo", "decisions"):
            url = f"{attacker.target}/api/migrations/{path}"
            answers = attacker.tries(FORM, url, "text/plain", {}, "post", navigates=True)
            assert answers == [("POST", 403 if goes_along else 401)], path
    assert scene.state() == before


@pytest.mark.parametrize("same_site", ["None"], indirect=True)
@pytest.mark.parametrize("browser_of_victim", ["supabase"], indirect=True)
def test_a_page_of_ours_and_one_that_is_allowed_write(scene: Scene, browser_of_victim: BrowserContext) -> None:
    """So that the others are refused for what they are."""
    front, direct = scene.targets()
    written = {"method": "POST", "body": json.dumps(FORGED)} | JSON
    for blank, target in ((f"{front}/blank", front), (f"http://ally.localhost:{scene.allowed}/blank", direct)):
        page = Attacker(scene, browser_of_victim.new_page(), blank, target)
        assert page.tries(FETCH, f"{target}/api/prompts-crud", written) == [("POST", 201)]
        assert json.loads(page.heard)["prompt"]["name"] == "Forged"
        gone = page.tries(FETCH, f"{target}/api/prompts-crud?id=Forged", {"method": "DELETE"})
        assert gone == [("DELETE", 200)]
