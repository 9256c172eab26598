"""The platform's frontend as it is, behind one origin: what is edited and saved in its pages changes, nothing else."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support import any_row, cast_rows, frontend, service_under_test
from tests.support.any_row import MARK
from tests.support.cast import ALIAS_OF_PLATFORM, DIGITAL_HEALTH, PHARMA, PLATFORM, SLUGS, STRANGER
from tests.support.databases import Scratch
from tests.support.service_under_test import ServiceDatabase, ServiceUnderTest
from tests.support.session_cookies import Cookies, encoded, parts, session
from tests.support.tokens import token

HOST = "app.localhost"
DONE = "!['', 'at work'].includes(document.getElementById('state').textContent)"
FORMS = ("item", "collection")
NOBODY: Cookies = {}
ROLES, TENANTS = ("user", "admin", "super_admin"), (PLATFORM, DIGITAL_HEALTH, PHARMA, STRANGER)

# Rows with what tempts a page to write it back: fall-backs, second names, empty columns, keys beside columns.
TOOL = {
    "tool_key": "x", "name": "x", "description": "Was.", "tool_type": "api", "category": None, "api_endpoint": None,
    "documentation_url": "https://docs", "implementation_path": "was.run", "input_schema": {"type": "object"},
    "best_practices": ["small", "steps"], "rate_limit_per_minute": 60, "total_calls": 7, "avg_response_time_ms": 120,
    "avg_confidence_score": 0.9,
    "metadata": {"kept": [1, {"of": 2.50}], "vendor": "Savanna", "llm_description": "Was.", "function_name": "was",
                 "max_execution_time_seconds": 30},
}  # fmt: skip
PROMPT = {
    "name": "x", "display_name": "Was", "description": "Was.\r\nTwo lines.", "domain": "zoology",
    "category": "clinical", "system_prompt": "Run.", "user_prompt_template": None, "status": "draft",
    "compliance_tags": ["one"],
    "metadata": {"kept": None, "tags": ["black", "white"], "use_cases": ["herd"], "target_users": [], "slug": "was",
                 "regulatory_requirements": ["ICH"], "customization_guide": "Was.", "prompt_code": "W-1",
                 "quality_assurance": {"checks": [{"by": "hand"}]}, "prompt_starter": "Was?"},
}  # fmt: skip
# Field of the page → (what is typed there, where it is stored, as what).
TOOL_EDITS: dict[str, tuple[str, str, Any]] = {
    "description": ("One.", "description", "One."), "tool_description": ("Two.", "description", "Two."),
    "endpoint_url": ("https://one", "api_endpoint", "https://one"), "api_endpoint": ("https://2", "api_endpoint", "https://2"),
    "integration_name": ("one.run", "implementation_path", "one.run"),
    "implementation_path": ("two.run", "implementation_path", "two.run"),
    "function_spec": ('{"a": 1}', "input_schema", {"a": "1"}), "input_schema": ('{"b": []}', "input_schema", {"b": []}),
    "usage_count": ("8", "total_calls", "8"), "total_calls": ("9", "total_calls", "9"),
    "average_response_time_ms": ("5", "avg_response_time_ms", "5"),
    "rate_limit_per_minute": ("61", "rate_limit_per_minute", "61"),
    "category": ("Safety", "category", "Safety"), "slug": ("any-row-code", "tool_key", "any-row-code"),
    "vendor": ("Acme", "metadata.vendor", "Acme"), "tags": ('["own"]', "metadata.tags", ["own"]),
    "lifecycle_stage": ("beta", "metadata.lifecycle_stage", "beta"),
    "access_level": ("all", "metadata.access_level", "all"),
    "max_execution_time_seconds": ("31", "metadata.max_execution_time_seconds", "31"),
}  # fmt: skip
PROMPT_EDITS: dict[str, tuple[str, str, Any]] = {
    "display_name": ("Is", "display_name", "Is"), "user_prompt_template": ("{x}", "user_prompt_template", "{x}"),
    "status": ("active", "status", "active"), "domain": ("botany", "domain", "botany"),
    "tags": ('["grey"]', "metadata.tags", ["grey"]), "use_cases": ("[]", "metadata.use_cases", []),
    "target_users": ('["vets"]', "metadata.target_users", ["vets"]),
    "regulatory_requirements": ('["ICH", "GCP"]', "metadata.regulatory_requirements", ["ICH", "GCP"]),
    "customization_guide": ("Is.\nSo.", "metadata.customization_guide", "Is.\nSo."),
    "quality_assurance": ('{"checks": []}', "metadata.quality_assurance", {"checks": []}),
    "prompt_starter": ("Is?", "metadata.prompt_starter", "Is?"), "slug": ("is", "metadata.slug", "is"),
    "prompt_code": ("I-1", "metadata.prompt_code", "I-1"),
}  # fmt: skip


@dataclass(frozen=True)
class Scene:
    """A service, and the frontend before it."""

    opened: ServiceUnderTest
    browser: Browser
    port: int

    @property
    def origin(self) -> str:
        return f"http://{HOST}:{self.port}"

    @contextmanager
    def person(self, cookies: Cookies) -> Iterator[Page]:
        """A browser of its own, with these cookies."""
        with self.browser.new_context(base_url=self.origin) as context:
            given: Any = [{"name": name, "value": value, "url": self.origin} for name, value in cookies.items()]
            context.add_cookies(given)
            yield context.new_page()

    def stored(self, table: str, id: str) -> dict[str, Any]:
        """The row by column, and by key of metadata; numbers as text, so that their last digit counts."""
        columns = any_row.columns_of(self.opened, table, id)
        row = {name: json.loads(text, parse_int=str, parse_float=str) for name, text in columns.items()}
        return row | {f"metadata.{key}": value for key, value in row.pop("metadata").items()}

    def all_of(self, table: str) -> list[tuple[Any, ...]]:
        """Equal where every row of everybody's is."""
        return self.opened.sql(f"SELECT count(*), sum(hashtextextended(t::text, 0)) FROM {table} AS t")


@contextmanager
def scene_of(opened: ServiceUnderTest, browser: Browser) -> Iterator[Scene]:
    """The middleware knows the Platform by an id of its own."""
    with frontend.served(opened.service.port, ALIAS_OF_PLATFORM) as port:
        yield Scene(opened, browser, port)


@pytest.fixture(scope="module")
def scene(service_database: ServiceDatabase, browser: Browser) -> Iterator[Scene]:
    with (
        service_under_test.started(service_database, prepare=cast_rows.let_everybody_manage_tools) as opened,
        scene_of(opened, browser) as scene,
    ):
        yield scene


@pytest.fixture(scope="module")
def demo(migrated_template: Scratch, browser: Browser) -> Iterator[Scene]:
    with service_under_test.started_as_demo(migrated_template) as opened, scene_of(opened, browser) as scene:
        cast_rows.let_everybody_manage_tools(opened.database)
        yield scene


def logged_in(role: str, tenant: str) -> Cookies:
    """Supabase's cookie. Of tenants a super_admin has none, and has chosen this one, or the middleware has."""
    if role != "super_admin":
        return parts(encoded(session(token(tenant, role))), 2)
    chosen = {} if tenant == PLATFORM else {"tenant_id": tenant}
    return {**parts(encoded(session(token(None, role))), 2), **chosen}


def outcome(page: Page) -> str:
    """What the page says once it is done, and the sentence of an error."""
    page.wait_for_function(DONE)
    return " ".join(page.locator("#state, #error").all_text_contents())


def opens(page: Page, path: str, id: str, form: str = "item", more: str = "") -> None:
    page.goto(f"{path}?id={id}&form={form}{more}")
    assert f"opened {MARK}" in outcome(page)


def does(page: Page, button: str, said: str) -> None:
    page.get_by_role("button", name=button).click()
    assert said in outcome(page)


def types(page: Page, path: str, field: str, text: str) -> None:
    if path == "/tools":
        page.get_by_label("Field").fill(field)
        page.get_by_label("Value").fill(text)
    else:
        page.get_by_label(field, exact=True).fill(text)


PAGES: dict[str, tuple[str, dict[str, Any], dict[str, tuple[str, str, Any]]]] = {
    "tools": ("/tools", TOOL, TOOL_EDITS),
    "prompts": ("/prompts", PROMPT, PROMPT_EDITS),
}


def edits(scene: Scene, page: Page, table: str, id: str, *fields: str) -> None:
    """Each is typed and saved, and is all that the database has otherwise."""
    path, _, known = PAGES[table]
    for field in fields:
        text, place, value = known[field]
        before = scene.stored(table, id)
        types(page, path, field, text)
        does(page, "Save", "saved ")
        assert scene.stored(table, id) == before | {place: value}, field


def works(scene: Scene, page: Page, table: str, tenant: str, more: str = "") -> None:
    """Somebody opens a row, edits it, saves it and deletes it, by both forms of the address; the others stay."""
    path, values, known = PAGES[table]
    rest = scene.all_of(table)
    for form, field in zip(FORMS, known, strict=False):
        id = any_row.insert(scene.opened, table, tenant, values)
        opens(page, path, id, form, more)
        edits(scene, page, table, id, field)
        does(page, "Delete", "deleted successfully")
        assert scene.all_of(table) == rest


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("tenant", TENANTS, ids=SLUGS.get)
def test_everybody_saves_what_they_edited_and_nothing_else(scene: Scene, role: str, tenant: str) -> None:
    with scene.person(logged_in(role, tenant)) as page:
        works(scene, page, "prompts", tenant)
        if role != "user":
            works(scene, page, "tools", tenant)


@pytest.mark.parametrize("table", PAGES)
@pytest.mark.parametrize("form", FORMS)
def test_each_field_of_the_pages_changes_its_own_place(scene: Scene, table: str, form: str) -> None:
    path, values, known = PAGES[table]
    id = any_row.insert(scene.opened, table, PHARMA, values)
    with scene.person(logged_in("admin", PHARMA)) as page:
        opens(page, path, id, form)
        edits(scene, page, table, id, *known)
        does(page, "Delete", "deleted successfully")


def test_the_pages_find_what_they_show(scene: Scene) -> None:
    id = any_row.insert(scene.opened, "tools", PHARMA, TOOL)
    prompt = any_row.insert(scene.opened, "prompts", PHARMA, PROMPT | {"metadata": {"slug": f"slug-{id}", "tags": []}})
    seen = scene.opened.sql("SELECT name FROM tools WHERE tenant_id = ANY(%s::uuid[])", [PHARMA, PLATFORM])
    with scene.person(logged_in("user", PHARMA)) as page:
        opens(page, "/tools", id)
        assert sorted(page.locator("#list li").all_inner_texts()) == sorted(" ".join(name.split()) for (name,) in seen)
        facts = {"implementation_path": "was.run", "api_endpoint": "", "input_schema": '{"type":"object"}',
                 "rate_limit_per_minute": "60", "total_calls": "7", "avg_response_time_ms": "120", "access_level": "",
                 "avg_confidence_score": "0.9", "llm_description": "Was.", "function_name": "was",
                 "max_execution_time_seconds": "30"}  # fmt: skip
        assert {name: page.locator(f"#{name}").text_content() for name in facts} == facts
        opens(page, "/prompts", f"slug-{id}")
        does(page, "Save", prompt)
        page.goto("/domains")
        assert "opened " in outcome(page)
        assert page.get_by_text("Zebras of pharma").count() == 1
        assert page.get_by_text("Zebras of stranger").count() == 0
        page.goto("/api/agents")
        expect(page.locator("body")).to_contain_text("the frontend")


def test_whoever_may_not_sees_the_sentence(scene: Scene) -> None:
    own, shared = (any_row.insert(scene.opened, "tools", tenant, TOOL) for tenant in (PHARMA, PLATFORM))
    prompt = any_row.insert(scene.opened, "prompts", PLATFORM, PROMPT)
    before = [scene.all_of(table) for table in PAGES]
    platforms = "This is a shared platform resource and cannot be changed."
    for role, path, id, sentence in (
        ("user", "/tools", own, "Only an admin of the tenant may do that."),
        ("admin", "/tools", shared, platforms),
        ("user", "/prompts", prompt, platforms),
    ):
        with scene.person(logged_in(role, PHARMA)) as page:
            for form, button in product(FORMS, ("Save", "Delete")):
                opens(page, path, id, form)
                types(page, path, "description", "Mine.")
                does(page, button, sentence)
    assert [scene.all_of(table) for table in PAGES] == before


def test_without_a_session_the_sentence_says_what_is_missing(scene: Scene) -> None:
    with scene.person(NOBODY) as page:
        page.goto(f"/tools?id={UUID(int=0)}")
        assert "This needs a credential: a bearer token or an API key." in outcome(page)


DEMO_VISITORS: dict[str, tuple[str, Cookies, str]] = {
    "cookie": (DIGITAL_HEALTH, {"tenant_id": DIGITAL_HEALTH}, ""),
    "cookie, and an empty header": (STRANGER, {"tenant_id": STRANGER}, "&tenant="),
    "header, and the middleware's cookie": (PHARMA, NOBODY, f"&tenant={PHARMA}"),
    "the middleware's cookie": (PLATFORM, NOBODY, ""),
    "a session that nobody can check": (PHARMA, {**logged_in("user", STRANGER), "tenant_id": PHARMA}, ""),
}


@pytest.mark.parametrize("visitor", DEMO_VISITORS)
def test_in_demo_mode_the_tenant_is_enough(demo: Scene, visitor: str) -> None:
    tenant, cookies, header = DEMO_VISITORS[visitor]
    with demo.person(cookies) as page:
        for table in PAGES:
            works(demo, page, table, tenant, header)


def test_in_demo_mode_too_rows_of_others_are_not_there(demo: Scene) -> None:
    id = any_row.insert(demo.opened, "tools", PHARMA, TOOL)
    with demo.person({"tenant_id": DIGITAL_HEALTH}) as page:
        page.goto(f"/tools?id={id}")
        assert "There is no such thing here." in outcome(page)
