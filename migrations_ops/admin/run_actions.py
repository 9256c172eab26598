"""Pause, resume, cancel, undo: first what it will come to, then, confirmed, the one service."""

from typing import Any

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from migrations_ops.admin import mixins
from migrations_ops.runs import service as runs

PATIENCE = 5  # seconds that a page waits for a run's batch
OPENS = "006_row_level_security"
QUESTIONS = {
    "pause": "The run stops after its current batch, usually within a second. Completed work is kept, applications "
    "are not affected, and resuming continues exactly there.",
    "resume": "A worker continues the run where it stopped, with the plan that it was opened with. If another plan is "
    "in force, it is refused, and the differences are shown.",
    "cancel": "The run is cancelled after its current batch. Completed work stays and can be undone; a new run can do "
    "the rest.",
    "undo": "Phases are undone, the latest first: rows are restored from the ledger, changes of the schema are "
    "reversed. Rows that another session has changed since are kept as they are. If anything would be lost, nothing "
    "is changed.",
}


def act(model_admin: "admin.ModelAdmin[Any]", request: HttpRequest, run: int, what: str) -> HttpResponse:
    if what not in QUESTIONS:
        raise Http404
    mixins.refuse_who_may_not(request)
    if request.method == "POST":
        return _do(request, run, what)
    why_not = ""
    undoes: list[dict[str, Any]] = []
    with mixins.refusals_as_messages(request):
        why_not = runs.run_with_allowed_actions(run)["why_not"][what]
        undoes = _undoes() if what == "undo" and not why_not else []
    facts = mixins.frame(model_admin, request, f"{what.capitalize()} run {run}?" if what != "undo" else "Undo")
    facts |= {"what": what, "run": run, "question": QUESTIONS[what], "why_not": why_not, "undoes": undoes}
    facts["opens"] = any(undo["first"] == OPENS for undo in undoes)
    return TemplateResponse(request, "migrations_ops/runs/confirm.html", facts)


def _undoes() -> list[dict[str, Any]]:
    """Each phase back to before which an undo can go, and what it takes back then, the latest first."""
    keys = runs.preview_undo("")
    return [{"first": key, "phases": [taken[:3] for taken in keys[: number + 1]]} for number, key in enumerate(keys)]


def _do(request: HttpRequest, run: int, what: str) -> HttpResponse:
    who, reason = request.user.get_username(), request.POST.get("reason", "").strip()
    with mixins.refusals_as_messages(request):
        if what == "undo":
            undo = runs.undo_in_background(request.POST.get("first", ""), who=who, reason=reason)
            if undo is None:
                messages.info(request, "Nothing is left to undo.")
            return mixins.to_run(undo or run)
        if what == "resume":
            runs.resume_in_background(who=who, reason=reason, run=run)
            return mixins.to_run(run)
        _, status = runs.stop(what, PATIENCE, runs.Actor(who, reason), run)
        later = " It stops after its current batch." if status == "running" else ""
        messages.info(request, f"Run {run} is {status}.{later}")
    return mixins.to_run(run)
