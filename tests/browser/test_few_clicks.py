"""From the dashboard to the answer in few clicks. A click opens a page or sends a form; what is chosen and typed in a
form is no click of these."""

import re

import pytest
from playwright.sync_api import Locator, expect

from tests.support.browser_visitor import NARROW, WIDE, Visitor
from tests.support.service_under_test import ServiceUnderTest

DECIDED = "SELECT decided_by, reason, count(*) FROM vital.override GROUP BY 1, 2"


class Clicks:
    """A hand that counts."""

    def __init__(self, visitor: Visitor) -> None:
        self.page, self.done = visitor.page, 0
        visitor.open("/admin/")

    def on(self, target: Locator) -> None:
        self.done += 1
        target.click()

    def choose_tenant(self, name: str) -> None:
        self.page.locator(".select2-selection").click()
        self.page.locator(".select2-search__field").fill(name[:6])
        self.page.get_by_role("option", name=name).click()


@pytest.fixture
def clicks(visitor: Visitor) -> Clicks:
    visitor.page.set_viewport_size(WIDE)
    return Clicks(visitor)


def test_why_a_row_is_here_is_a_search_and_a_click(clicks: Clicks, site: ServiceUnderTest) -> None:
    ((key, name),) = site.sql("SELECT id::text, name FROM tools WHERE name LIKE 'Zebra of pharma%'")
    page = clicks.page
    page.keyboard.press("Control+k")
    page.locator("#search-input-command").press_sequentially(name)
    found = page.locator("#command-results-list a", has_text=name)
    expect(found).to_be_visible()

    clicks.on(found)

    expect(page.get_by_role("heading", name="Assignment history")).to_be_visible()
    assert key in page.url
    assert clicks.done <= 2


def test_a_finding_is_decided_in_three_clicks(clicks: Clicks, site: ServiceUnderTest) -> None:
    page, before = clicks.page, site.sql(DECIDED)
    clicks.on(page.get_by_role("link", name=re.compile("Review$")).first)
    page.locator("#decide tbody input[type=checkbox]").first.check()
    page.get_by_role("radio", name="Pharmaceuticals").check()
    page.get_by_label("Reason").fill("they work there")
    clicks.on(page.get_by_role("button", name="Preview"))
    expect(page.get_by_role("status").get_by_role("link", name="Pharmaceuticals")).to_be_visible()
    expect(page.get_by_role("link", name="Cancel")).to_be_visible()
    assert site.sql(DECIDED) == before
    clicks.on(page.get_by_role("button", name="Confirm"))

    expect(page.get_by_text("1 of 1 decisions are carried out.")).to_be_visible()
    assert ("platform-admin", "they work there", 1) in site.sql(DECIDED)
    assert clicks.done <= 3


def test_rows_are_assigned_to_another_tenant_in_four_clicks(clicks: Clicks, site: ServiceUnderTest) -> None:
    page = clicks.page
    clicks.on(page.get_by_role("link", name=re.compile("Tools$")).first)
    page.locator("#result_list tbody input[name=_selected_action]").first.check()
    page.locator("select[name=action]").select_option(label="Assign to another tenant")
    clicks.on(page.get_by_role("button", name="Run").or_(page.get_by_role("button", name="Go")).first)
    clicks.choose_tenant("Pharmaceuticals")
    page.locator("textarea[name=reason]").fill("they made it")
    clicks.on(page.get_by_role("button", name="Preview"))
    clicks.on(page.get_by_role("button", name="Confirm"))

    expect(page.get_by_text("1 of 1 decisions are carried out.")).to_be_visible()
    assert ("platform-admin", "they made it", 1) in site.sql(DECIDED)
    assert clicks.done <= 4


def test_the_form_is_beside_the_rows_or_below_them(visitor: Visitor) -> None:
    for width, beside in ((WIDE, True), (NARROW, False)):
        visitor.page.set_viewport_size(width)
        visitor.open("/admin/migrations_ops/finding/queue/")
        rows = visitor.page.get_by_role("region", name="Rows", exact=True).bounding_box()
        form = visitor.page.locator(".vital-panel").bounding_box()
        assert rows
        assert form
        assert (form["x"] >= rows["x"] + rows["width"]) == beside
        assert (form["y"] >= rows["y"] + rows["height"]) != beside
        assert visitor.overflow() <= 0


def test_help_opens_where_it_is_seen(visitor: Visitor) -> None:
    visitor.open("/admin/migrations_ops/finding/queue/")
    visitor.page.keyboard.press("?")

    expect(visitor.page.get_by_text("the next row, the one before")).to_be_in_viewport()


def test_cancel_changes_nothing_and_leads_back(visitor: Visitor, site: ServiceUnderTest) -> None:
    page, before = visitor.page, site.sql(DECIDED)
    visitor.open("/admin/catalog/agent/")
    page.locator("#result_list tbody input[name=_selected_action]").first.check()
    page.locator("select[name=action]").select_option(label="Assign to another tenant")
    page.get_by_role("button", name="Run").or_(page.get_by_role("button", name="Go")).first.click()
    assert visitor.accessibility_violations() == []

    page.get_by_role("link", name="Cancel").click()

    expect(page.locator("#result_list")).to_be_visible()
    assert site.sql(DECIDED) == before


def test_one_button_shows_and_hides_the_menu(visitor: Visitor) -> None:
    for size in (WIDE, NARROW):
        visitor.page.set_viewport_size(size)
        visitor.open("/admin/")
        buttons = visitor.page.get_by_role("button", name=re.compile("^Show .*the menu$"))
        assert [button.is_visible() for button in buttons.all()].count(True) == 1
