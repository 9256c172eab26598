"""Lists in two index-ordered branches: what the pages of tools and prompts have in common."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from django.conf import settings
from django.http import HttpResponse

from tenants.api.views import TenantView, json_bytes, raw_rows
from tenants.queries import load_queries

QUERIES = load_queries(Path(__file__).parent / "sql")
PLATFORM = {"platform": settings.PLATFORM_ID}
MOST = 10_000  # the frontends load a whole catalogue
Page = list[tuple[bytes, ...]]  # each row's JSON, and what the statement says beside it


@dataclass(frozen=True)
class Source:
    """Where a page's rows come from, and what counts them."""

    rows: str
    count: str


class Listing(TenantView):
    """A list: of what a tenant sees, or, for those who see everything, of every tenant's."""

    cacheable = True
    of_tenant: ClassVar[Source]
    of_all: ClassVar[Source]

    def page(self, statement: str, params: dict[str, Any], filters: list[str], **parts: str) -> Page:
        """The rows that the filters and params (limit, offset) select, as JSON that the database has written."""
        source = self._source(filters)
        own = self.tenant.id if self.tenant and not self.tenant.is_platform else None  # the other branch is theirs
        params |= PLATFORM | {"own": own, "reach": params["limit"] + params["offset"]}
        return raw_rows(statement.format(page=source.rows, count=source.count, **parts), params)

    def counted_page(
        self, statement: str, params: dict[str, Any], filters: list[str], **parts: str
    ) -> tuple[list[bytes], int]:
        """The same of a statement that says the number of all beside each row; without a row it is asked for alone."""
        found = self.page(statement, params, filters, **parts)
        counts = found[:1] or [(b"", *raw_rows(self._source(filters).count, params)[0])]
        return [row for row, _ in found], int(counts[0][1])

    def _source(self, filters: list[str]) -> Source:
        """With these filters in their place."""
        source, asked = self.of_all if self.tenant_request.sees_all else self.of_tenant, "\n".join(filters)
        return Source(source.rows.format(filters=asked), source.count.format(filters=asked))

    def chosen(self, filters: dict[str, str], params: dict[str, Any]) -> list[str]:
        """The filters, by parameter, that the address asks for; their values go into `params`."""
        found = []
        for name, statement in filters.items():
            value = self.parameter(name)
            if name == "search" and value:
                params[name] = containing(value)
            elif value not in ("", "all"):
                params[name] = value
            else:
                continue
            found.append(statement)
        return found


def listed(name: str, rows: Iterable[bytes], **beside: Any) -> HttpResponse:
    """`{"success": true, name: [rows], **beside}`."""
    return json_bytes(
        b'{"success": true, "%b": [%b], %b' % (name.encode(), b", ".join(rows), json.dumps(beside).encode()[1:])
    )


def containing(text: str) -> str:
    """A LIKE pattern for texts that contain this one."""
    return "%" + text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
