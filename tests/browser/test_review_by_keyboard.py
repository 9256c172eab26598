"""Findings are reviewed by keyboard: choose, preview, decide, withdraw."""

from playwright.sync_api import expect

from tests.support.browser_visitor import Visitor
from tests.support.service_under_test import ServiceUnderTest

USERS = "/admin/migrations_ops/finding/queue/?table=public.users&check=rows+of+users+that+no+rule+knows"
OPEN = "SELECT count(*) FROM users WHERE tenant_id IS NULL"
DECIDED = "SELECT decided_by, reason, count(*) FROM vital.override GROUP BY 1, 2"


def test_two_people_are_given_to_a_tenant_and_taken_back(visitor: Visitor, site: ServiceUnderTest) -> None:
    page = visitor.page
    ((before,),) = site.sql(OPEN)
    visitor.open(USERS)
    heading = page.get_by_role("heading", name="rows of users that match no rule")
    expect(heading).to_contain_text(str(before))
    digit = page.get_by_role("radio", name="Pharmaceuticals").get_attribute("data-key")
    assert digit
    visitor.screenshot("review")

    for key in ("j", "x", "j", "x", digit, "r"):
        page.keyboard.press(key)
    page.keyboard.type("they work there")
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    expect(page.get_by_text("users: 2 rows from no tenant to Pharmaceuticals")).to_be_visible()
    expect(page.get_by_role("button", name="Confirm")).to_be_focused()
    assert site.sql(OPEN) == [(before,)], "only shown so far"
    page.keyboard.press("Enter")

    expect(page.get_by_text("2 of 2 decisions are carried out.")).to_be_visible()
    expect(heading).to_contain_text(str(before - 2))
    assert site.sql(OPEN) == [(before - 2,)]
    assert site.sql(DECIDED) == [("platform-admin", "they work there", 2)]

    page.keyboard.press("u")

    expect(page.get_by_text("2 decisions are withdrawn.")).to_be_visible()
    assert site.sql(OPEN) == [(before,)]
    assert site.sql(DECIDED) == []


def test_keys_go_from_group_to_group_and_tell_what_they_do(visitor: Visitor) -> None:
    page = visitor.page
    visitor.open("/admin/migrations_ops/finding/queue/")
    first = page.locator("#group").inner_text()

    page.keyboard.press("n")

    expect(page.locator("#group")).not_to_have_text(first)
    expect(page.get_by_text("the next row, the one before")).to_be_hidden()
    page.keyboard.press("?")
    expect(page.get_by_text("the next row, the one before")).to_be_visible()
