"""What a list shows as a CSV file: streamed, up to a number of rows, written down in the audit, and safe to open.

The file is made after the request's transaction: as the same reader, the Platform's operator or the tenant, in a
transaction of its own that only reads. Who exports is written down before the first row leaves, and how many rows left
afterwards.
"""

import csv
from collections.abc import Iterator
from datetime import date, datetime
from itertools import islice
from typing import Any, cast
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import label_for_field, lookup_field
from django.core.exceptions import ObjectDoesNotExist, PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path
from django.utils.html import strip_tags

from tenants import audit, availability
from tenants.admin.links import Linked, Names
from tenants.identity import TenantRequest
from vital.db import scope

AT_ONCE = 500  # rows of a batch: their names are looked up together
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a cell that begins so is a program to a spreadsheet


def safe(text: str) -> str:
    """The text as a cell that a spreadsheet shows and does not carry out."""
    return f"'{text}" if text.startswith(FORMULA) else text


class _Line:
    """A file that gives back what is written to it."""

    def write(self, text: str) -> str:
        return text


class WithExport:
    """A page whose list can be exported; `exports` is False where the page is no list."""

    exports = True

    def get_urls(self) -> list[URLPattern]:
        urls: list[URLPattern] = super().get_urls()  # type: ignore[misc]
        if not self.exports:
            return urls
        page = cast(Any, self)
        view = page.admin_site.admin_view(self.export)
        return [path("export/", view, name=f"{page.opts.app_label}_{page.opts.model_name}_export"), *urls]

    def export(self, request: HttpRequest) -> HttpResponseBase:
        page = cast(Any, self)
        if not page.has_view_permission(request):
            raise PermissionDenied
        self.require_rows()
        try:
            changelist = page.get_changelist_instance(request)
        except IncorrectLookupParameters:
            return HttpResponseRedirect("../?e=1")
        if request.method == "HEAD":
            return HttpResponse(content_type="text/csv")
        answer = StreamingHttpResponse(_lines(page, request, changelist), content_type="text/csv; charset=utf-8")
        answer["Content-Disposition"] = f'attachment; filename="{page.opts.model_name}.csv"'
        answer["Cache-Control"] = "no-store"
        return answer

    def require_rows(self) -> None:
        """Raises where the list cannot be read in this state of the database."""


def _lines(page: Any, request: HttpRequest, changelist: Any) -> Iterator[str]:
    most = settings.EXPORT_ROWS
    facts = {"list": str(page.opts.verbose_name_plural), "filter": urlencode(request.GET, doseq=True)}
    if tenant := cast(TenantRequest, request).acting_tenant:
        facts["tenant"] = tenant.id
    who, sent, cut = request.user.get_username(), 0, False
    write = csv.writer(_Line()).writerow
    _record(who, "export", facts)
    try:
        with scope.acting_as(_reader(request)):
            titles = [str(label_for_field(name, page.model, model_admin=page)) for name in _columns(page, request)]
            yield write([safe(text) for text in ("key", *titles)])
            rows = iter(changelist.every_row(AT_ONCE))
            while batch := list(islice(rows, min(AT_ONCE, most - sent))):
                for line in _cells(page, request, batch):
                    yield write(line)
                sent += len(batch)
            cut = sent == most and next(rows, None) is not None
            if cut:
                yield write([f"The list has more rows. This file was cut after {most:,}: filter the list, or raise "
                             "VITAL_EXPORT_ROWS."])  # fmt: skip
    finally:
        _record(who, "export ended", facts | {"rows": sent, "cut": cut})


def _reader(request: HttpRequest) -> scope.Scope:
    """Who the page was read as: it must be known from the request, never from what the address says."""
    if tenant := cast(TenantRequest, request).acting_tenant:
        return scope.tenant_scope(tenant.id, read_only=True)
    return scope.operator_scope(read_only=True) if availability.has_roles() else scope.ITSELF


def _record(who: str, action: str, facts: dict[str, Any]) -> None:
    with scope.acting_as(scope.operator_scope(read_only=False) if availability.has_roles() else scope.ITSELF):
        audit.record(who, action, "", facts)


def _cells(page: Any, request: HttpRequest, batch: list[Model]) -> Iterator[list[str]]:
    """Each row's cells as text. Names are forgotten with the batch: memory stays flat."""
    request.vital_names = Names(request)  # type: ignore[attr-defined]
    columns = _columns(page, request)
    page.prepare(batch)
    page.load_names(request, columns, batch)
    for row in batch:
        yield [safe(str(row.pk)), *(safe(_text(page, column, row)) for column in columns)]


def _columns(page: Any, request: HttpRequest) -> list[Any]:
    """Their names are those that are known in the request now."""
    return [name for name in page.get_list_display(request) if name != "action_checkbox"]


def _text(page: Any, column: Any, row: Model) -> str:
    if isinstance(column, Linked):
        return column.text(row)
    try:
        field, _, value = lookup_field(column, row, page)
        if field is not None and field.is_relation:
            value = getattr(row, field.name)
    except ObjectDoesNotExist:
        return ""
    if isinstance(value, datetime | date):
        return value.isoformat()
    return "" if value is None else strip_tags(value) if hasattr(value, "__html__") else _plain(value)


def _plain(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
