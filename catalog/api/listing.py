"""Lists in two index-ordered branches: what the pages of tools and prompts have in common."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from django.conf import settings
from django.http import HttpResponse

from tenants.api import FencedView, json_bytes, rows
from tenants.queries import load_queries

QUERIES = load_queries(Path(__file__).parent / "sql")
PLATFORM = {"platform": settings.PLATFORM_ID}
MOST = 10_000  # the frontends load a whole catalogue


@dataclass(frozen=True)
class Source:
    """Where a page's rows come from, and what counts them."""

    rows: str
    count: str


class Listing(FencedView):
    """A list: of what a tenant sees, or, for those who see everything, of every tenant's."""

    cacheable = True
    of_tenant: ClassVar[Source]
    of_all: ClassVar[Source]

    def page(self, statement: str, params: dict[str, Any], filters: list[str], **parts: str) -> HttpResponse:
        """The page that the filters and params (limit, offset) select, as the database has written it."""
        source = self.of_all if self.fenced.sees_all else self.of_tenant
        asked = {"filters": "\n".join(filters)}
        parts |= {"page": source.rows.format(**asked), "count": source.count.format(**asked)}
        own = self.tenant.id if self.tenant and not self.tenant.is_platform else None  # the other branch is theirs
        params |= PLATFORM | {"own": own, "reach": params["limit"] + params["offset"]}
        return json_bytes(rows(statement.format(**parts), params)[0][0])

    def chosen(self, filters: dict[str, str], params: dict[str, Any]) -> list[str]:
        """The filters, by parameter, that the address asks for; their values go into `params`."""
        found = []
        for name, statement in filters.items():
            if (value := self.parameter(name)) not in ("", "all"):
                params[name] = containing(value) if name == "search" else value
                found.append(statement)
        return found


def containing(text: str) -> str:
    """A LIKE pattern for texts that contain this one."""
    return "%" + text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
