"""Lists that turn their pages by key: page 90,000 is read as fast as the first, and nobody counts millions of rows."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ORDER_VAR, PAGE_VAR
from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest

from tenants.admin.base import ChangeList

EXACT = 1_000  # up to as many rows by the planner's estimate are counted
COUNTED = 100_000  # up to as many are where there is no estimate
AFTER, BEFORE = "after-", "before-"


def estimate(queryset: QuerySet[Any]) -> int:
    """How many rows the planner expects; asks no table. On a cluster they are counted, up to one more than COUNTED: its
    planner expects the same of every distributed table, and explains nothing of a reference table that was read."""
    rows = queryset.order_by()
    if _on_cluster():
        return rows[: COUNTED + 1].count()
    return int(json.loads(rows.explain(format="json"))[0]["Plan"]["Plan Rows"])


def _on_cluster() -> bool:
    return bool(connection.on_cluster)  # type: ignore[attr-defined]  # an attribute of VITAL's own wrapper


class Pages:
    """Stands where Django expects a paginator. `count` is exact where `exact` says so; the links are query strings."""

    template_name = "migrations_ops/pages.html"

    def __init__(self, per_page: int, count: int, exact: bool, links: dict[str, str]) -> None:
        self.per_page, self.count, self.exact, self.links = per_page, count, exact, links
        self.shown = f"{count:,}" if exact else f"about {count:,}"
        if _on_cluster() and count > COUNTED:
            self.shown = f"more than {COUNTED:,}"


@dataclass(frozen=True)
class Order:
    """Rows by a column that has an index, then by key; those without a value come last, or first where it is reversed.

    A page is read in parts, since an index answers "this value or a later one" and "no value", and no OR of both.
    """

    column: str
    reverse: bool

    def names(self, back: bool) -> list[str]:
        sign = "-" if self.reverse != back else ""
        return [f"{sign}{self.column}", f"{sign}pk"]

    def rows(self, queryset: QuerySet[Any], place: str, wanted: int, back: bool) -> list[tuple[str, Model | None]]:
        """(where to go on from, the row), `wanted` of them from the place on."""
        found: list[Model] = []
        for part in self._parts(queryset, place, back):
            if len(found) < wanted:
                found += part.order_by(*self.names(back))[: wanted - len(found)]
        return [(json.dumps([getattr(row, self.column), str(row.pk)]), row) for row in found]

    def _parts(self, queryset: QuerySet[Any], place: str, back: bool) -> list[QuerySet[Any]]:
        up = self.reverse == back
        empty = queryset.filter(**{f"{self.column}__isnull": True})
        parts = [queryset.filter(**{f"{self.column}__isnull": False}), empty]
        if place:
            value, key = self._read(place)
            beyond = "gt" if up else "lt"
            after = {f"pk__{beyond}": key}
            if value is None:
                parts = [parts[0], empty.filter(**after)][1 if up else 0 :]
            else:
                later = Q(**{f"{self.column}__{beyond}": value}) | Q(**after)
                parts = [parts[0].filter(later, **{f"{self.column}__{beyond}e": value}), empty][: 2 if up else 1]
        return parts if up else parts[::-1]

    @staticmethod
    def _read(place: str) -> tuple[str | None, str]:
        """Raises ValueError for what is no place."""
        match json.loads(place):
            case [str() | None as value, str() as key]:
                return value, key
        raise ValueError(place)


class KeysetChangeList(ChangeList):
    """Ordered by key, by a column that has an index, or as a filter orders it that knows the page itself (`rows_at`).

    `p` is where to go on.
    """

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        """By one column that has an index, and the key where rows have the same; else by the key."""
        self.order: Order | None = None
        asked = re.fullmatch(r"(-?)([0-9]{1,2})", request.GET.get(ORDER_VAR, ""))
        if asked and int(asked[2]) < len(self.list_display):
            name = self.list_display[int(asked[2])]
            if name in (self.sortable_by or ()):
                self.order = Order(str(name), bool(asked[1]))
        return self.order.names(False) if self.order else ["pk"]

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
            yield from self.queryset.iterator(chunk_size=at_once)
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
        wanted = self.list_per_page + 1
        try:
            if self.order:
                return self.order.rows(self.queryset, place, wanted, back)
            queryset = self.queryset.order_by("-pk" if back else "pk")
            if place:
                queryset = queryset.filter(**{"pk__lt" if back else "pk__gt": place})
            return [(str(row.pk), row) for row in queryset[:wanted]]
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
