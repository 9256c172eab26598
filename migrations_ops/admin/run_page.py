"""A run's page: how it goes, once a second while it goes; what its phases came to; their logs."""

from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.response import TemplateResponse

from migrations_ops import services
from migrations_ops.admin import run_words, seats
from migrations_ops.models import PhaseRun
from migrations_ops.terminal import log_tail
from tenants.memory import Memory

_seats: Memory[dict[str, Any]] = Memory(64)  # however many look at a run, it is asked twice a second at most


def page(model_admin: "admin.ModelAdmin[Any]", request: HttpRequest, run: int) -> HttpResponse:
    seat = _seat(run)
    name = run_words.NAMES[seat["run"]["kind"]].format(run)
    facts = seats.frame(model_admin, request, name, **run_words.page(seat))
    return TemplateResponse(request, "migrations_ops/runs/page.html", facts)


def live(model_admin: "admin.ModelAdmin[Any]", request: HttpRequest, run: int) -> HttpResponse:
    """What changes from second to second; once the run has come to another state, the page is loaded anew."""
    seat = _seats.recall(run, lambda: _seat(run))
    facts = run_words.page(seat) | {"may_steer": seats.may_steer(request)}
    answer = render(request, "migrations_ops/runs/live.html", facts)
    if request.GET.get("seen") != facts["state"]:
        answer["HX-Refresh"] = "true"
    return answer


def late(model_admin: "admin.ModelAdmin[Any]", request: HttpRequest, run: int) -> HttpResponse:
    """Rows that old code writes without a tenant meanwhile."""
    return render(request, "migrations_ops/runs/late.html", {"tables": services.late_rows(), "run": run})


def log(model_admin: "admin.ModelAdmin[Any]", request: HttpRequest, run: int, phase: str) -> HttpResponse:
    """The end of a phase's log, where this machine has it, and else what the database knows."""
    record = PhaseRun.objects.filter(run=run, phase=phase).first()
    since = record.started_at if record else datetime.min.replace(tzinfo=UTC)
    until = record.completed_at if record else None
    lines = log_tail(settings.LOG_DIR, phase, since, until) if record else None
    return render(request, "migrations_ops/runs/log.html", {"lines": lines, "record": record, "phase": phase})


def _seat(run: int) -> dict[str, Any]:
    try:
        return services.seat(run)
    except services.UnknownRun as error:
        raise Http404(str(error)) from error
