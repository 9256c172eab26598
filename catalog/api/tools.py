"""`/api/tools-crud`: the tools of a tenant and the Platform's."""

from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from catalog.api import rows as row
from catalog.api import tool_schema as schema
from catalog.api import tool_writes as writes
from catalog.api.cursors import after, is_wanted
from catalog.api.listing import MOST, QUERIES, Listing, containing
from catalog.api.rows import PLATFORM
from tenants.api import FencedView, json_answer, json_bytes, rows
from tenants.errors import Refusal

EXACT = {"category": "tool_category", "tool_type": "tool_type", "status": "tool_status"}


class Tools(Listing):
    """The catalogue, and writes in the style that names the row in the body or the query."""

    kind = "tool"

    @extend_schema(**schema.LIST)
    def get(self, request: Request) -> HttpResponse:
        params: dict[str, Any] = {"limit": self.whole_number("limit", MOST, least=1, most=MOST, caps=True)}
        filters = "".join(QUERIES[name] + "\n" for name in self._filters(params))
        if not is_wanted(request):
            params["offset"] = self.whole_number("offset", 0, least=0, most=2_000_000_000)
            return self.page(params, filters, "tool_page", shape=writes.SHAPE)
        params |= {"offset": 0, "limit": params["limit"] + 1} | after(self.query("cursor"))
        filters += QUERIES["tool_after"] if "after_id" in params else ""
        return self.page(params, filters, "tool_cursor_page", shape=writes.SHAPE)

    def _filters(self, params: dict[str, Any]) -> list[str]:
        """The named filters that are asked for; their values go into `params`."""
        found = []
        for name, statement in EXACT.items():
            if (value := self.query(name)) not in ("", "all"):
                params[name] = value
                found.append(statement)
        if search := self.query("search"):
            params["search"] = containing(search)
            found.append("tool_search")
        if (active := self.flag("is_active")) is not None:
            params["is_active"] = active
            found.append("tool_is_active")
        return found

    @extend_schema(**schema.CREATE)
    def post(self, request: Request) -> HttpResponse:
        return shown(writes.create(self), 201)

    @extend_schema(**schema.UPDATE_BY_BODY)
    def put(self, request: Request) -> HttpResponse:
        return shown(writes.update(self, row.key_in_body(self)))

    @extend_schema(**schema.DELETE_BY_QUERY)
    def delete(self, request: Request) -> HttpResponse:
        if not (key := self.request.GET.get("id", "")):
            raise Refusal("Say which tool: ?id= with its id or code.")
        return removed(writes.delete(self, key))


class Tool(FencedView):
    """One tool, by id or code."""

    @extend_schema(**schema.READ)
    def get(self, request: Request, key: str) -> HttpResponse:
        return shown(writes.find(self, key).id)

    @extend_schema(operation_id="tools_update", **schema.UPDATE)
    def put(self, request: Request, key: str) -> HttpResponse:
        return shown(writes.update(self, key))

    @extend_schema(operation_id="tools_change", **schema.UPDATE)
    def patch(self, request: Request, key: str) -> HttpResponse:
        return self.put(request, key)

    @extend_schema(**schema.DELETE)
    def delete(self, request: Request, key: str) -> HttpResponse:
        return removed(writes.delete(self, key))


def shown(id: str, status: int = 200) -> HttpResponse:
    """The tool as it stands now, in the request's transaction."""
    answer = json_bytes(rows(writes.SHOWN, {"id": id} | PLATFORM)[0][0])
    answer.status_code = status
    return answer


def removed(name: str) -> HttpResponse:
    return json_answer({"success": True, "message": f'Tool "{name}" deleted successfully'})
