"""A run's page: how it goes, once a second while it goes; what its phases came to; their logs."""

from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.response import TemplateResponse

from migrations_ops.admin import addresses, mixins, run_presenter
from migrations_ops.models import PhaseRun
from migrations_ops.runs import service as runs
from migrations_ops.runs.service import log_tail
from tenants.ttl_cache import Memory
from vital.db.sql import relation_named
from vital.moments import moment

_remembered_runs: Memory[dict[str, Any]] = Memory(64)  # however many look at a run, it is asked twice a second at most


def page(model_admin: "admin.ModelAdmin[Any]", request: HttpRequest, run: int) -> HttpResponse:
    run_with_allowed_actions = _run_with_allowed_actions(run)
    name = run_presenter.NAMES[run_with_allowed_actions["run"]["kind"]].format(run)
    facts = mixins.frame(model_admin, request, name, **run_presenter.page(run_with_allowed_actions))
    return TemplateResponse(request, "migrations_ops/runs/page.html", facts)


def live(model_admin: "admin.ModelAdmin[Any]", request: HttpRequest, run: int) -> HttpResponse:
    """What changes from second to second; once the run has come to another state, the page is loaded anew."""
    run_with_allowed_actions = _remembered_runs.recall(run, lambda: _run_with_allowed_actions(run))
    facts = run_presenter.page(run_with_allowed_actions) | {"may_act": mixins.may_act(request)}
    answer = render(request, "migrations_ops/runs/live.html", facts)
    if request.GET.get("seen") != facts["state"]:
        answer["HX-Refresh"] = "true"
    return answer


def legacy_writes(model_admin: "admin.ModelAdmin[Any]", request: HttpRequest, run: int) -> HttpResponse:
    """Rows that old code writes without a tenant meanwhile."""
    tables = [
        table | {"link": addresses.to_rows(relation_named(table["table"])), "last": moment(table["last_at"])}
        for table in runs.legacy_writes()
    ]
    return render(request, "migrations_ops/runs/late.html", {"tables": tables, "run": run})


def log(model_admin: "admin.ModelAdmin[Any]", request: HttpRequest, run: int, phase: str) -> HttpResponse:
    """The end of a phase's log, where this machine has it, and else what the database knows."""
    record = PhaseRun.objects.filter(run=run, phase=phase).first()
    since = record.started_at if record else datetime.min.replace(tzinfo=UTC)
    until = record.completed_at if record else None
    lines = log_tail(settings.LOG_DIR, phase, since, until) if record else None
    return render(request, "migrations_ops/runs/log.html", {"lines": lines, "record": record, "phase": phase})


def _run_with_allowed_actions(run: int) -> dict[str, Any]:
    try:
        return runs.run_with_allowed_actions(run)
    except runs.UnknownRun as error:
        raise Http404(str(error)) from error
