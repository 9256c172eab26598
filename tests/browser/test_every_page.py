"""Every page of the admin, wide and narrow, light and dark: no error, no overflow, no accessibility violation."""

import pytest

from tests.support.browser_visitor import NARROW, WIDE, Visitor
from tests.support.cast import PHARMA

RUNS = "/admin/migrations_ops/run/"
PAGES = {
    "overview": "/admin/",
    "tools": "/admin/catalog/tool/",
    "chunks of a tenant": f"/admin/catalog/knowledgechunk/?tenant__id__exact={PHARMA}",
    "decisions": "/admin/migrations_ops/override/",
    "findings": "/admin/migrations_ops/finding/",
    "groups": "/admin/auth/group/add/",
    "a new member of staff": "/admin/auth/user/add/",
    "a new key": "/admin/tenants/apikey/add/",
    "a new membership": "/admin/tenants/membership/add/",
    "a finding": "/admin/migrations_ops/finding/1/change/",
    "review": "/admin/migrations_ops/finding/queue/",
    "ledger": "/admin/migrations_ops/ledgerentry/",
    "audit": "/admin/migrations_ops/auditevent/",
    "tenants": "/admin/tenants/tenantrecord/",
    "staff": "/admin/auth/user/",
    "maintenance": "/admin/tenants/maintenance/",
    "runs": RUNS,
    "run": f"{RUNS}1/change/",
    "start of a run": f"{RUNS}start/",
    "undo": f"{RUNS}1/steer/undo/",
    "report of a run": f"{RUNS}1/report/",
    "tenant": f"/admin/tenants/tenantrecord/{PHARMA}/change/",
    "new tenant": "/admin/tenants/tenantrecord/new/",
    "import of a tenant": "/admin/tenants/tenantrecord/import/",
    "own": "/admin/own/",
    "own-tools": "/admin/own/catalog/tool/",
}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_at_every_width_by_day_and_by_night(visitor: Visitor, name: str) -> None:
    """Barriers are asked for on a wide screen by day and on a narrow one by night: each light, each width once."""
    visitor.page.set_viewport_size(WIDE)
    visitor.page.emulate_media(color_scheme="light")
    visitor.open(PAGES[name])
    assert visitor.accessibility_violations() == [], f"{name}, wide, by day"
    _fits(visitor, name, "light")
    visitor.page.emulate_media(color_scheme="dark")
    visitor.open(PAGES[name])
    _fits(visitor, name, "dark")
    assert visitor.accessibility_violations() == [], f"{name}, narrow, by night"


def _fits(visitor: Visitor, name: str, light: str) -> None:
    """Leaves the window narrow."""
    for width in (WIDE, NARROW):
        visitor.page.set_viewport_size(width)
        visitor.screenshot(f"{name}-{width['width']}-{light}")
        assert visitor.overflow() <= 0, f"{name} is wider than {width['width']} pixels"
