"""Every page of the admin, wide and narrow, light and dark: no error, no overflow, no accessibility violation."""

import pytest

from tests.support.browser_visitor import LOOKS, Visitor
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
    for look in LOOKS:
        visitor.look(look)
        visitor.open(PAGES[name])
        visitor.screenshot(f"{name}, {look}")
        assert visitor.overflow() <= 0, f"{name}, {look}: wider than the window"
        assert visitor.cut_cells() == 0, f"{name}, {look}: words of a list are cut"
        assert visitor.accessibility_violations() == [], f"{name}, {look}"
