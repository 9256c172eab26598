"""The traffic of the last 24 hours as bars: requests by tenant, and below them 4xx and 5xx."""

from datetime import UTC, datetime
from typing import Any

from migrations_ops.admin import addresses
from tenants.models import NO_TENANT

WIDTH, GAP = 30.0, 6.0  # of an hour's column, and of it what stays empty
HEIGHTS = {"requests": 140.0, "errors": 50.0}
OTHERS, NOBODY = 8, 0  # the shades of all tenants that have none of their own, and of requests of none
Document = dict[str, Any]


def chart(traffic: Document) -> Document | None:
    """The two pictures and the table beside them; None where nothing was asked for."""
    tenants, hours = [_with_shade(*one) for one in enumerate(traffic["tenants"], start=1)], traffic["hours"]
    if not tenants:
        return None
    series = [
        (f"vital-fill-{one['shade']}", one["name"], [hour["requests"] for hour in one["by_hour"]]) for one in tenants
    ]
    errors = [
        ("vital-fill-failed", "failed (5xx)", _sums(tenants, "failed")),
        ("vital-fill-refused", "refused (4xx)", _sums(tenants, "refused")),
    ]
    return {
        "tenants": tenants,
        "width": WIDTH * len(hours),
        "requests": _picture("requests", hours, series),
        "errors": _picture("errors", hours, errors),
        "labels": [f"{_at(hours[place]):%H:%M}" for place in range(0, len(hours), 6)],
        "total": {kind: sum(one[kind] for one in tenants) for kind in ("requests", "refused", "failed")},
    }


def _with_shade(number: int, tenant: Document) -> Document:
    """Tenants have a colour each, and a page each."""
    if not tenant["id"]:
        return tenant | {"shade": OTHERS, "link": ""}
    if tenant["id"] == NO_TENANT:
        return tenant | {"shade": NOBODY, "link": ""}
    return tenant | {"shade": number, "link": addresses.to_tenant(tenant["id"])}


def _sums(tenants: list[Document], kind: str) -> list[int]:
    return [sum(counts) for counts in zip(*([hour[kind] for hour in one["by_hour"]] for one in tenants), strict=True)]


def _picture(name: str, hours: list[int], series: list[tuple[str, str, list[int]]]) -> Document:
    """Stacked bars; `most` is what the full height stands for."""
    height = HEIGHTS[name]
    most = max(1, *(sum(counts[place] for _, _, counts in series) for place in range(len(hours))))
    bars = []
    for place, hour in enumerate(hours):
        top = height
        for fill, words, counts in series:
            length = height * counts[place] / most
            top -= length
            if counts[place]:
                bars.append(
                    {
                        "x": f"{WIDTH * place + GAP / 2:.1f}",
                        "y": f"{top:.2f}",
                        "height": f"{length:.2f}",
                        "width": f"{WIDTH - GAP:.1f}",
                        "fill": fill,
                        "title": f"{_at(hour):%H:%M} UTC, {words}: {counts[place]:,}",
                    }
                )
    return {"bars": bars, "most": most, "height": f"{height:.0f}"}


def _at(hour: int) -> datetime:
    return datetime.fromtimestamp(hour, UTC)
