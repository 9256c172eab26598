"""What the search finds beside pages: tenants, runs by number, rows by key, code or name, findings."""

import re
from collections.abc import Callable, Iterator
from typing import Any

from django.contrib import admin
from django.db import DatabaseError, transaction
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest

from migrations_ops.admin.assignments import PAGES
from migrations_ops.admin.links import run_name
from migrations_ops.models import Finding, Run
from tenants.admin.links import change_page
from tenants.models import TenantRecord
from vital.control_room import SearchResult

MOST = 5  # of a kind
RUN = re.compile(r"(?:run|undo|decide)?\s*#?([0-9]{1,18})", re.IGNORECASE)


def found(request: HttpRequest, term: str) -> list[SearchResult]:
    """Of what this person may look at. What cannot be read in this state of the database is left out."""
    results: list[SearchResult] = []
    for model, search, icon in _kinds(term):
        page = admin.site._registry.get(model)
        if page is None or not page.has_view_permission(request):
            continue
        try:
            with transaction.atomic():
                rows = list(search(request, page)[:MOST])
        except DatabaseError:
            continue
        kind = str(model._meta.verbose_name)
        results += [SearchResult(_title(row), kind, change_page(model, row.pk), icon) for row in rows]
    return results


Search = Callable[[HttpRequest, Any], QuerySet[Any]]


def _kinds(term: str) -> Iterator[tuple[type[Model], Search, str]]:
    named = Q(name__icontains=term) | Q(slug__icontains=term)
    yield TenantRecord, lambda request, page: TenantRecord.objects.filter(named).order_by("name"), "apartment"
    if number := RUN.fullmatch(term):
        yield Run, lambda request, page: Run.objects.filter(pk=int(number[1])), "play_circle"
    for model in PAGES:
        yield (
            model,
            lambda request, page: page.get_search_results(request, page.get_queryset(request), term)[0],
            "data_object",
        )
    about = Q(key=term) | Q(message__icontains=term) | Q(check_name__icontains=term)
    yield Finding, lambda request, page: page.get_queryset(request).filter(about).order_by("-pk"), "flag"


def _title(row: Model) -> str:
    return run_name(row) if isinstance(row, Run) else str(row)[:80] or str(row.pk)
