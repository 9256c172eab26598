"""The admin's site, and its search: pages by their names, and whatever else `UNFOLD["COMMAND"]` finds."""

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.module_loading import import_string

if TYPE_CHECKING:  # unfold has no types of its own
    from django.contrib.admin import AdminSite

    class SearchResult:
        description: str

        def __init__(self, title: str, description: str, link: str, icon: str) -> None: ...
else:
    from unfold.dataclasses import SearchResult
    from unfold.sites import UnfoldAdminSite as AdminSite

LONGEST = 200  # characters of a term
UNFOLD: dict[str, Any] = settings.UNFOLD
SEARCH, NAVIGATION = UNFOLD["COMMAND"]["search_callback"], UNFOLD["SIDEBAR"]["navigation"]


def term_of(request: HttpRequest) -> str:
    return request.GET.get("s", "").replace("\0", "").strip()[:LONGEST]


def pages(groups: Iterable[dict[str, Any]], term: str) -> list[SearchResult]:
    """Pages of the sidebar, which has only those that this person may open."""
    return [
        SearchResult(str(page["title"]), str(group.get("title") or "Page"), str(page["link"]), page.get("icon", "list"))
        for group in groups
        for page in group["items"]
        if term.lower() in str(page["title"]).lower()
    ]


def results_page(request: HttpRequest, results: list[SearchResult], began: float) -> HttpResponse:
    """As unfold shows them. Nothing is kept: what was found once may not be this person's any more."""
    paginator = Paginator(results, max(len(results), 1))
    context = {
        "page_obj": paginator,
        "results": paginator.page(1),
        "page_counter": 0,
        "execution_time": time.monotonic() - began,
        "command_show_history": False,
    }
    headers = {"HX-Trigger": "search", "Cache-Control": "no-store"}
    return TemplateResponse(request, "unfold/helpers/command_results.html", context, headers=headers)


class ControlRoom(AdminSite):
    def search(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        began = time.monotonic()
        if not (term := term_of(request)):
            return HttpResponse()
        found = import_string(SEARCH)(request, term)
        navigation = import_string(NAVIGATION)(request)
        return results_page(request, [*pages(navigation, term), *found], began)
