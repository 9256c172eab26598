"""`/api/tools-crud`: the tools of a tenant and the Platform's."""

from typing import Any

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_view
from rest_framework.request import Request

from catalog.api import operations as document
from catalog.api.cursors import after, cursor_of, is_wanted
from catalog.api.listing import MOST, QUERIES, Kind, Source, listed
from catalog.api.operations import in_query
from catalog.api.tool_bodies import ToolAnswer, ToolById, ToolsAnswer
from catalog.api.tool_resource import SHAPE, TOOLS
from catalog.api.views import Collection, Item

FILTERS = {
    "search": QUERIES["tool_search"],
    "category": QUERIES["tool_category"],
    "tool_type": QUERIES["tool_type"],
    "status": QUERIES["tool_status"],
}
LISTED = [
    document.LIMIT,
    document.whole_number("offset", 0, "how many to leave out"),
    in_query("cursor", "page by key; empty for the first page"),
    in_query("search", "text in name, description or code"),
    in_query("category"),
    in_query("tool_type"),
    in_query("status", "active, inactive, or a lifecycle stage"),
    in_query("is_active", kind=OpenApiTypes.BOOL),
    document.SHOW_ALL,
]


@extend_schema_view(**document.of_collection(TOOLS, LISTED, ToolsAnswer, ToolById, ToolAnswer))
class Tools(Collection):
    """The catalogue by name, whole, by offset, or by cursor."""

    resource = TOOLS
    kind = Kind(TOOLS.table, SHAPE, QUERIES["tool_in_order"])
    of_tenant = Source(QUERIES["tool_branches"], QUERIES["tool_count"])
    of_all = Source(QUERIES["tool_branches_of_all"], QUERIES["tool_count_of_all"])

    def get(self, request: Request) -> HttpResponse:
        params: dict[str, Any] = {"limit": self.whole_number("limit", MOST, least=1, most=MOST)}
        filters = self.chosen(FILTERS, params)
        if (active := self.flag("is_active")) is not None:
            params["is_active"] = active
            filters.append(QUERIES["tool_is_active"])
        if is_wanted(request):
            return self._by_key(params, filters)
        params["offset"] = self.whole_number("offset", 0, least=0, most=10**12)
        found, count = self.counted_page(QUERIES["tool_page"], params, filters)
        return listed("tools", found, count=count, limit=params["limit"], offset=params["offset"])

    def _by_key(self, params: dict[str, Any], filters: list[str]) -> HttpResponse:
        """The page behind the cursor. One row more is read, to know whether more follow."""
        limit = params["limit"]
        params |= {"offset": 0, "limit": limit + 1} | after(self.parameter("cursor"))
        filters += [QUERIES["tool_after"]] if "after_id" in params else []
        found = self.page(QUERIES["tool_cursor_page"], params, filters)
        following = cursor_of(found[limit - 1][1]) if len(found) > limit else None
        return listed("tools", (row for row, _ in found[:limit]), limit=limit, next_cursor=following)


@extend_schema_view(**document.of_item(TOOLS, ToolAnswer))
class Tool(Item):
    """One tool, by id or code."""

    resource = TOOLS
