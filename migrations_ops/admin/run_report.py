"""What a run was, to read, to print and to keep."""

from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from migrations_ops.admin import addresses
from migrations_ops.reports import service as reports
from migrations_ops.runs import service as runs
from tenants.identity import tenant_id

TENANTS = 200  # on a page
CSP = "default-src 'none'; style-src 'unsafe-inline'"  # the page has its style in it, and nothing else


def html(model_admin: "admin.ModelAdmin[Any]", request: HttpRequest, run: int) -> HttpResponse:
    every_tenant = reverse("admin:migrations_ops_run_tenants", args=[run])
    answer = HttpResponse(reports.report_as_html(_report(run), addresses.to_run(run), every_tenant))
    answer["Content-Security-Policy"] = CSP
    return answer


def tenants(model_admin: "admin.ModelAdmin[Any]", request: HttpRequest, run: int) -> HttpResponse:
    """The rows of every tenant; the report itself has room for the largest."""
    title, section = reports.rows_by_tenant(_report(run))
    pages = Paginator([(_page_of(row[0]), row) for row in section.rows], TENANTS).get_page(request.GET.get("p"))
    back = reverse("admin:migrations_ops_run_report", args=[run])
    facts = {"title": title, "section": section, "pages": pages, "back": back}
    answer = render(request, "migrations_ops/report_tenants.html", facts)
    answer["Content-Security-Policy"] = CSP
    return answer


def _page_of(tenant: str) -> str:
    """The page of a tenant by its slug. One that is gone is known by its id alone."""
    return "" if tenant_id(tenant) else addresses.to_tenant(tenant)


def _report(run: int) -> dict[str, Any]:
    try:
        return reports.report(run)
    except runs.UnknownRun as error:
        raise Http404(str(error)) from error
