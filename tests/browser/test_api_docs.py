"""The page about the API: what is there, with fields and examples, and a request that is tried out from it."""

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.browser.conftest import address
from tests.support import service_under_test
from tests.support.browser_visitor import LOOKS, WIDE, Visitor
from tests.support.command_results import Manage
from tests.support.databases import Scratch
from tests.support.service_under_test import ServiceUnderTest


def operation(visitor: Visitor, verb: str, path: str) -> Locator:
    """Opened, with its parameters."""
    block = visitor.page.locator(f".opblock-{verb}").filter(has=visitor.page.locator(f'[data-path="{path}"]'))
    block.locator(".opblock-summary-control").click()
    return block


def try_out(block: Locator) -> str:
    block.get_by_role("button", name="Try it out").click()
    block.get_by_role("button", name="Execute").click()
    live = block.locator(".live-responses-table tbody .response-col_status").first
    live.wait_for()
    return live.inner_text().split()[0]


def test_it_shows_bodies_and_codes_and_tries_with_a_key(
    visitor: Visitor, site: ServiceUnderTest, manage: Manage
) -> None:
    key = service_under_test.new_key(site.database, manage, "pharma", "read")
    visitor.open("/api/docs")
    post = operation(visitor, "post", "/api/tools-crud")
    post.get_by_text("dose-calculator").first.wait_for()
    post.get_by_text("limit_reached").first.wait_for(state="attached")

    visitor.page.get_by_role("button", name="Authorize").first.click()
    box = visitor.page.locator(".auth-container").filter(has_text="x-api-key")
    box.locator("input").fill(key)
    box.get_by_role("button", name="Apply credentials").click()
    box.get_by_role("button", name="Close").click()

    assert try_out(operation(visitor, "get", "/api/tenants")) == "200"
    visitor.screenshot("api-docs")


@pytest.mark.parametrize("look", LOOKS)
def test_it_keeps_nobody_out_and_opens_again(visitor: Visitor, look: str) -> None:
    """The second time the browser has the page already, and is told that it still holds."""
    visitor.look(look)
    for _ in range(2):
        visitor.open("/api/docs")
        expect(visitor.page.locator(".opblock").first).to_be_visible()

    assert visitor.overflow() <= 0
    assert visitor.accessibility_violations() == []
    operation(visitor, "delete", "/api/tools-crud").get_by_text("not_found").first.wait_for(state="attached")
    assert "#/" in visitor.page.url


def test_in_the_demo_it_opens_without_a_credential(migrated_template: Scratch, browser: Browser) -> None:
    with service_under_test.started_as_demo(migrated_template) as demo, browser.new_context(viewport=WIDE) as context:
        visitor = Visitor(context.new_page(), address(demo))
        visitor.open("/api/docs")

        assert try_out(operation(visitor, "get", "/api/knowledge-domains")) == "200"
        assert not visitor.complaints, visitor.complaints
