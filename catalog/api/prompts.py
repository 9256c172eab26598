"""`/api/prompts-crud`: the prompts of a tenant and the Platform's."""

from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from catalog.api import prompt_schema as schema
from catalog.api import prompt_writes as writes
from catalog.api import rows as row
from catalog.api.listing import MOST, QUERIES, Listing, containing
from catalog.api.rows import PLATFORM
from catalog.api.suites import SUITE
from tenants.api import FencedView, json_answer, json_bytes, rows
from tenants.errors import Refusal

EXACT = ("domain", "suite", "complexity", "status")


class Prompts(Listing):
    """The library, and writes in the style that names the row in the body or the query."""

    kind = "prompt"

    @extend_schema(**schema.LIST)
    def get(self, request: Request) -> HttpResponse:
        action = self.query("action")
        if action == "get":
            return shown(writes.find(self, self._id()).id)
        if action not in ("", "list"):
            raise Refusal("The parameter action must be get, or left out.")
        limit = self.whole_number("limit", MOST, least=1, most=MOST, caps=True)
        number = self.whole_number("page", 1, least=1, most=2_000_000)
        params: dict[str, Any] = {"limit": limit, "number": number, "offset": (number - 1) * limit}
        filters = "".join(name + "\n" for name in self._filters(params))
        return self.page(params, filters, "prompt_page", shape=writes.SHAPE)

    def _filters(self, params: dict[str, Any]) -> list[str]:
        """The filters that are asked for; their values go into `params`."""
        found = []
        for name in EXACT:
            if (value := self.query(name)) not in ("", "all"):
                params[name] = value
                found.append(QUERIES[f"prompt_{name}"].format(suite=SUITE))
        if search := self.query("search"):
            params["search"] = containing(search)
            found.append(QUERIES["prompt_search"])
        return found

    def _id(self) -> str:
        if not (key := self.request.GET.get("id", "")):
            raise Refusal("Say which prompt: id= with its id or name.")
        return key

    @extend_schema(**schema.CREATE)
    def post(self, request: Request) -> HttpResponse:
        return shown(writes.create(self), 201)

    @extend_schema(**schema.UPDATE_BY_BODY)
    def put(self, request: Request) -> HttpResponse:
        return shown(writes.update(self, row.key_in_body(self)))

    @extend_schema(**schema.DELETE_BY_QUERY)
    def delete(self, request: Request) -> HttpResponse:
        return removed(writes.delete(self, self._id()))


class Prompt(FencedView):
    """One prompt, by id or name."""

    @extend_schema(**schema.READ)
    def get(self, request: Request, key: str) -> HttpResponse:
        return shown(writes.find(self, key).id)

    @extend_schema(operation_id="prompts_update", **schema.UPDATE)
    def put(self, request: Request, key: str) -> HttpResponse:
        return shown(writes.update(self, key))

    @extend_schema(operation_id="prompts_change", **schema.UPDATE)
    def patch(self, request: Request, key: str) -> HttpResponse:
        return self.put(request, key)

    @extend_schema(**schema.DELETE)
    def delete(self, request: Request, key: str) -> HttpResponse:
        return removed(writes.delete(self, key))


def shown(id: str, status: int = 200) -> HttpResponse:
    """The prompt as it stands now, in the request's transaction."""
    answer = json_bytes(rows(writes.SHOWN, {"id": id} | PLATFORM)[0][0])
    answer.status_code = status
    return answer


def removed(name: str) -> HttpResponse:
    return json_answer({"success": True, "message": f'Prompt "{name}" deleted successfully'})
