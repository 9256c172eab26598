"""Lists that turn their pages by key: page 90,000 is read as fast as the first, and nobody counts millions of rows."""

import json
from collections.abc import Iterator
from typing import Any

from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import PAGE_VAR
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from tenants.admin.base import ChangeList

EXACT = 1_000  # up to as many rows by the planner's estimate are counted
AFTER, BEFORE = "after-", "before-"


def estimate(queryset: QuerySet[Any]) -> int:
    """How many rows the planner expects; asks no table."""
    return int(json.loads(queryset.order_by().explain(format="json"))[0]["Plan"]["Plan Rows"])


class Pages:
    """Stands where Django expects a paginator. `count` is exact where `exact` says so; the links are query strings."""

    template_name = "migrations_ops/pages.html"

    def __init__(self, per_page: int, count: int, exact: bool, links: dict[str, str]) -> None:
        self.per_page, self.count, self.exact, self.links = per_page, count, exact, links
        self.shown = f"{count:,}"


class KeysetChangeList(ChangeList):
    """Ordered by key, or as a filter orders it that knows the page itself (`rows_at`). `p` is where to go on."""

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        return ["pk"]

    def get_results(self, request: HttpRequest) -> None:
        asked = request.GET.get(PAGE_VAR, "")
        back, place = asked.startswith(BEFORE), asked.removeprefix(AFTER).removeprefix(BEFORE)
        source = self._source()
        if source:
            rows = source.rows_at(self.queryset, place, self.list_per_page + 1, back)
        else:
            rows = self._by_key(place, back)
        more, rows = len(rows) > self.list_per_page, rows[: self.list_per_page]
        if back:
            rows.reverse()
        self.result_list: list[Model] = [row for _, row in rows if row is not None]
        links = {"first": self.get_query_string()} if place else {}
        if rows and (more if back else place):
            links["previous"] = self.get_query_string({PAGE_VAR: f"{BEFORE}{rows[0][0]}"})
        if rows and (more or back):
            links["next"] = self.get_query_string({PAGE_VAR: f"{AFTER}{rows[-1][0]}"})
        self._count(len(self.result_list) if not links else None, links, source)
        self.full_result_count, self.show_full_result_count = None, False
        self.show_admin_actions, self.can_show_all, self.multi_page = True, False, False

    def every_row(self, at_once: int) -> Iterator[Model]:
        source, place = self._source(), ""
        if source is None:
            yield from self.queryset.order_by("pk").iterator(chunk_size=at_once)
            return
        while found := source.rows_at(self.queryset, place, at_once, False):
            yield from (row for _, row in found if row is not None)
            place = found[-1][0]

    def _source(self) -> Any:
        """The filter that knows the rows of a page itself, if one is set."""
        filters: list[Any] = self.filter_specs
        return next((spec for spec in filters if getattr(spec, "rows_at", None) and spec.value()), None)

    def _by_key(self, place: str, back: bool) -> list[tuple[str, Model | None]]:
        """(where to go on from, the row); one more than a page, so that one knows whether there is another."""
        queryset = self.queryset.order_by("-pk" if back else "pk")
        try:
            if place:
                queryset = queryset.filter(**{"pk__lt" if back else "pk__gt": place})
            return [(str(row.pk), row) for row in queryset[: self.list_per_page + 1]]
        except (ValidationError, ValueError) as error:
            raise IncorrectLookupParameters(str(error)) from error

    def _count(self, seen: int | None, links: dict[str, str], source: Any) -> None:
        """Exact where the first page is all there is, or where few are expected; else an estimate."""
        exact, count = True, seen
        if count is None:
            count = source.estimate() if source else estimate(self.queryset)
            if exact := count <= EXACT and not source:
                count = self.queryset.order_by().count()
        self.result_count = count
        self.paginator = Pages(self.list_per_page, count, exact, links)
