"""What a run was, to read, to print and to keep."""

from typing import Any

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse

from migrations_ops.admin import addresses
from migrations_ops.reports import service as reports
from migrations_ops.runs import service as runs

CSP = "default-src 'none'; style-src 'unsafe-inline'"  # the page has its style in it, and nothing else


def html(model_admin: "admin.ModelAdmin[Any]", request: HttpRequest, run: int) -> HttpResponse:
    answer = HttpResponse(reports.report_as_html(_report(run), addresses.to_run(run)))
    answer["Content-Security-Policy"] = CSP
    return answer


def _report(run: int) -> dict[str, Any]:
    try:
        return reports.report(run)
    except runs.UnknownRun as error:
        raise Http404(str(error)) from error
