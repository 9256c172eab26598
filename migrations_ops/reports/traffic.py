"""Requests of the last 24 hours, by hour and tenant: the busiest ones each, all others together."""

import time
from functools import partial
from pathlib import Path
from typing import Any

from migrations_ops.reports.tenant_names import names_of
from migrations_ops.rules.model import Plan
from tenants.models import NO_TENANT
from vital.db import django_rows, sql

QUERIES = sql.load(Path(__file__).parent / "sql")
ask = partial(django_rows.ask, QUERIES)
HOURS = 24
MOST = 6  # tenants that are shown each
SECONDS = 3600
KINDS = ("requests", "refused", "failed")
Document = dict[str, Any]


def last_day(plan: Plan) -> Document:
    """`hours` (seconds since 1970, the running one last), and in `tenants`, the busiest first, of each its name, its
    sums and its figures by hour. The one without an id stands for all others, NO_TENANT for requests of none."""
    found = ask("traffic_by_hour", {"hours": HOURS, "most": MOST, "none": NO_TENANT})
    now = int(time.time()) // SECONDS * SECONDS
    hours = [now - SECONDS * back for back in reversed(range(HOURS))]
    by_tenant: dict[str, dict[int, tuple[int, ...]]] = {}
    for hour, tenant, *counts in found:
        by_tenant.setdefault(tenant or "", {})[hour] = tuple(counts)
    names = names_of(plan, (tenant for tenant in by_tenant if tenant not in ("", NO_TENANT)))
    names |= {"": "all others", NO_TENANT: "no tenant"}
    tenants = [_tenant(tenant, names[tenant], hours, counts) for tenant, counts in by_tenant.items()]
    return {"hours": hours, "tenants": sorted(tenants, key=_place)}


def _tenant(tenant: str, name: str, hours: list[int], counts: dict[int, tuple[int, ...]]) -> Document:
    by_hour = [dict(zip(KINDS, counts.get(hour, (0, 0, 0)), strict=True)) for hour in hours]
    sums = {kind: sum(hour[kind] for hour in by_hour) for kind in KINDS}
    return {"id": tenant, "name": name, "by_hour": by_hour, **sums}


def _place(tenant: Document) -> tuple[bool, bool, int]:
    """Named tenants by their requests, then the others, then nobody."""
    return tenant["id"] == NO_TENANT, not tenant["id"], -tenant["requests"]
