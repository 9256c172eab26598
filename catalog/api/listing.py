"""Lists in two index-ordered branches: what the tools' and the prompts' pages have in common."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import HttpResponse

from tenants.api import FencedView, json_bytes, rows
from tenants.queries import load_queries

QUERIES = load_queries(Path(__file__).parent / "sql")
MOST = 10_000  # the frontends load a whole catalogue


class Listing(FencedView):
    """A list of one kind of thing: `kind` begins the names of its statements."""

    kind: str
    cacheable = True

    def page(self, params: dict[str, Any], filters: str, name: str, **parts: str) -> HttpResponse:
        """The page that these filters and params (limit, offset) select, as the database has written it."""
        which = "_of_all" if self.fenced.sees_all else ""
        inner = {
            "page": QUERIES[f"{self.kind}_branches{which}"].format(filters=filters, **parts),
            "count": QUERIES[f"{self.kind}_count{which}"].format(filters=filters, **parts),
        }
        params |= self.whose() | {"reach": params["limit"] + params["offset"]}
        return json_bytes(rows(QUERIES[name].format(**inner, **parts), params)[0][0])

    def whose(self) -> dict[str, str | None]:
        """`own` is the second branch's tenant beside the Platform: none where they are the same."""
        own = self.tenant.id if self.tenant and not self.tenant.is_platform else None
        return {"own": own, "platform": settings.PLATFORM_ID}


def containing(text: str) -> str:
    """A LIKE pattern for texts that contain this one."""
    return "%" + text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
