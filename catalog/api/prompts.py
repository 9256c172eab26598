"""`/api/prompts-crud`: the prompts of a tenant and the Platform's."""

from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema_view
from rest_framework.request import Request

from catalog.api import operations as document
from catalog.api.listing import MOST, QUERIES, Kind, Source, listed
from catalog.api.operations import in_query
from catalog.api.prompt_bodies import PromptAnswer, PromptById, PromptsAnswer
from catalog.api.prompt_resource import PROMPTS, SHAPE
from catalog.api.suites import SUITE
from catalog.api.views import Collection, Item
from tenants.errors import Refusal

FILTERS = {
    "domain": QUERIES["prompt_domain"],
    "search": QUERIES["prompt_search"],
    "suite": QUERIES["prompt_suite"].format(suite=SUITE),
    "complexity": QUERIES["prompt_complexity"],
    "status": QUERIES["prompt_status"],
}
LISTED = [
    in_query("action", "get: one prompt, by id", enum=["get", "list"]),
    in_query("id", "with action=get: id or name"),
    in_query("search", "text in name, display_name or description"),
    *(in_query(name, "all: no filter") for name in ("domain", "suite", "complexity", "status")),
    document.whole_number("page", 1, "from 1"),
    document.LIMIT,
    document.SHOW_ALL,
]


@extend_schema_view(**document.of_collection(PROMPTS, LISTED, PromptsAnswer, PromptById, PromptAnswer))
class Prompts(Collection):
    """The library, newest first."""

    resource = PROMPTS
    kind = Kind(PROMPTS.table, SHAPE, QUERIES["prompt_in_order"])
    of_tenant = Source(QUERIES["prompt_branches"], QUERIES["prompt_count"])
    of_all = Source(QUERIES["prompt_branches_of_all"], QUERIES["prompt_count_of_all"])

    def get(self, request: Request) -> HttpResponse:
        action = self.parameter("action")
        if action == "get":
            return PROMPTS.shown(self, PROMPTS.find(self, self.key_in_query()))
        if action not in ("", "list"):
            raise Refusal("The parameter action must be get, or left out.")
        limit = self.whole_number("limit", MOST, least=1, most=MOST)
        number = self.whole_number("page", 1, least=1, most=10**12)
        params: dict[str, Any] = {"limit": limit, "offset": (number - 1) * limit}
        found, total = self.counted_page(QUERIES["prompt_page"], params, self.chosen(FILTERS, params))
        pages = {"page": number, "limit": limit, "total": total, "pages": -(-total // limit)}
        return listed("prompts", found, pagination=pages)


@extend_schema_view(**document.of_item(PROMPTS, PromptAnswer))
class Prompt(Item):
    """One prompt, by id or name."""

    resource = PROMPTS
