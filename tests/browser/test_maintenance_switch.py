"""Maintenance, switched in the admin with a reason that is kept."""

from tests.browser.conftest import ADMIN
from tests.support.browser_visitor import Visitor
from tests.support.cast import PLATFORM
from tests.support.service_under_test import ServiceUnderTest
from tests.support.tokens import super_admin

PAGE = "/admin/tenants/maintenance/"


def test_the_switch_stops_writing_and_lets_it_go_on(visitor: Visitor, site: ServiceUnderTest) -> None:
    visitor.open(PAGE)
    visitor.page.get_by_label("Reason").fill("the tables move house")
    visitor.page.get_by_role("button", name="Switch on").click()
    visitor.page.get_by_text("Maintenance is on", exact=True).wait_for()
    visitor.screenshot("maintenance-on")
    assert f"by {ADMIN}" in visitor.main().inner_text()
    visitor.page.wait_for_timeout(1000)
    refused = site.service.post("/api/tools-crud", super_admin(PLATFORM), {"name": "Late", "code": "late"})
    assert refused.status == 503

    visitor.page.get_by_label("Reason").fill("done")
    visitor.page.get_by_role("button", name="Switch off").click()
    visitor.page.get_by_text("Maintenance is off", exact=True).wait_for()
    visitor.page.wait_for_timeout(1000)
    made = site.service.post("/api/tools-crud", super_admin(PLATFORM), {"name": "Late", "code": "late"})
    assert made.status == 201
    assert site.sql("SELECT action, who, reason FROM vital.audit ORDER BY id DESC LIMIT 2") == [
        ("maintenance off", ADMIN, "done"),
        ("maintenance on", ADMIN, "the tables move house"),
    ]
