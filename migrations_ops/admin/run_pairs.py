"""Two runs beside each other."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from migrations_ops import services
from migrations_ops.admin import seats
from migrations_ops.models import Run
from migrations_ops.units import count, milliseconds, moment, seconds, size

MEASURES: tuple[tuple[str, str, Callable[[Any], str]], ...] = (
    ("Time", "seconds", seconds),
    ("Rows changed", "rows_changed", count),
    ("WAL", "wal_bytes", size),
    ("Findings", "findings", count),
    ("Longest lock", "longest_lock", milliseconds),
)


def chosen(request: HttpRequest, runs: QuerySet[Run]) -> HttpResponse | None:
    """The page for the two that were ticked in the list."""
    numbers = sorted(runs.exclude(kind=Run.Kind.DECIDE).values_list("pk", flat=True))
    if len(numbers) != 2:
        messages.error(request, "Tick two runs to compare them.")
        return None
    return HttpResponseRedirect(_address(*numbers))


def _address(first: int, second: int) -> str:
    return f"{reverse('admin:migrations_ops_run_compare')}?first={first}&second={second}"


def compare(model_admin: "admin.ModelAdmin[Any]", request: HttpRequest) -> HttpResponse:
    numbers = [request.GET.get(name, "") for name in ("first", "second")]
    if not all(number.isdecimal() for number in numbers):
        raise Http404
    try:
        document = services.compare(*map(int, numbers))
    except services.UnknownRun as error:
        raise Http404(str(error)) from error
    facts = seats.frame(model_admin, request, "Runs {} and {}".format(*numbers), **_words(document))
    return TemplateResponse(request, "migrations_ops/runs/compare.html", facts)


def _words(document: dict[str, Any]) -> dict[str, Any]:
    runs = [
        run | {"started": moment(run["started_at"]), "shade": seats.SHADES[run["status"]]} for run in document["runs"]
    ]
    total = {"phase": "all", "figures": [run["total"] for run in runs]}
    rows = [
        (row["phase"], [[_figure(of_run, name, how) for of_run in row["figures"]] for _, name, how in MEASURES])
        for row in (*document["phases"], total)
    ]
    return {"runs": runs, "rows": rows, "measures": [label for label, *_ in MEASURES], "plan": document["plan"]}


def _figure(figures: dict[str, Any] | None, name: str, how: Callable[[Any], str]) -> str:
    return how(figures[name]) or "0" if figures and figures.get(name) is not None else "—"
