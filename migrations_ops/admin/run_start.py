"""A run is started: what is asked for, what it would do now, and a yes; then a worker carries it out."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.urls import reverse

from migrations_ops.admin import mixins
from migrations_ops.management.output import preview_page
from migrations_ops.preview import service as previews
from migrations_ops.rehearsal import service as rehearsals
from migrations_ops.runs import service as runs

ALL_DONE = "Nothing to do: all phases are completed. Rows that need a decision are under Findings, Review."
BOUND = 20.0  # seconds that a page waits for a preview


class StartForm(forms.Form):
    """What is asked of a run. Nothing chosen: everything that is left."""

    first = forms.ChoiceField(label="Start at", required=False, help_text="earlier phases must be completed")
    last = forms.ChoiceField(label="Stop after", required=False)
    only = forms.ChoiceField(label="Only this phase", required=False)
    tenant = forms.ChoiceField(label="Canary: only this tenant", required=False)
    table = forms.ChoiceField(
        label="Canary: only this table", required=False, help_text="and the tables that its rows follow"
    )
    stepwise = forms.BooleanField(label="Step by step", required=False, help_text="only the next phase, then stop")
    reason = forms.CharField(label="Reason", required=False, help_text="kept in the audit with your name")

    def __init__(self, *args: Any, **words: Any) -> None:
        super().__init__(*args, **words)
        choices = runs.choices()
        for names, kind in ((("first", "last", "only"), "phases"), (("tenant",), "tenants"), (("table",), "tables")):
            for name in names:
                field = self.fields[name]
                assert isinstance(field, forms.ChoiceField)
                field.choices = [("", "—"), *((choice, choice) for choice in choices[kind])]

    def asked(self) -> runs.Request:
        words = {name: self.cleaned_data[name] for name in ("first", "last", "only", "tenant", "table")}
        if self.cleaned_data["stepwise"]:
            words["only"] = runs.status()["next"] or ""
        return runs.Request(**words)


def start(model_admin: "admin.ModelAdmin[Any]", request: HttpRequest) -> HttpResponse:
    mixins.refuse_who_may_not(request)
    with mixins.refusals_as_messages(request):
        form, unfinished = StartForm(request.POST if request.method == "POST" else None), runs.unfinished()
        if form.is_valid() and _knows_of(request, form, unfinished):
            who, reason = request.user.get_username(), form.cleaned_data["reason"]
            run = runs.start_in_background(form.asked(), who=who, reason=reason)
            if run is not None:
                _tell(request, run, unfinished)
                return mixins.to_run(run)
            messages.info(request, ALL_DONE)
        facts = mixins.frame(model_admin, request, "Start a run", form=form, bound=int(BOUND), helpers=settings.HELPERS)
        facts["unfinished"] = unfinished
        return TemplateResponse(request, "migrations_ops/runs/start.html", facts)
    return HttpResponseRedirect(reverse("admin:migrations_ops_run_changelist"))


def _knows_of(request: HttpRequest, form: StartForm, unfinished: dict[str, Any] | None) -> bool:
    """Whether the person was shown the run that theirs would resume or cancel, and says why."""
    if unfinished is None:
        return True
    if request.POST.get("unfinished") != str(unfinished["id"]):
        form.add_error(None, f"Run {unfinished['id']} is {unfinished['status']}: see below what starting does to it.")
    elif not form.cleaned_data["reason"].strip():
        form.add_error("reason", f"Say why run {unfinished['id']} is resumed or cancelled.")
    return form.is_valid()


def _tell(request: HttpRequest, run: int, unfinished: dict[str, Any] | None) -> None:
    if unfinished and unfinished["id"] == run:
        messages.info(request, f"Run {run}, which was {unfinished['status']}, is resumed.")
    elif unfinished:
        before = f"{unfinished['kind'].capitalize()} {unfinished['id']}, which was {unfinished['status']},"
        messages.info(request, f"{before} is cancelled; run {run} starts.")


def preview(model_admin: "admin.ModelAdmin[Any]", request: HttpRequest) -> HttpResponse:
    """What a run of everything would do now; broken off where it takes too long for a page."""
    mixins.refuse_who_may_not(request)
    facts: dict[str, Any] = {}
    with mixins.refusals_as_messages(request):
        facts = preview_page.facts(previews.preview(None, lambda why: None, patience=BOUND))
        facts["breaking"] = rehearsals.statements_that_break()
    return render(request, "migrations_ops/runs/preview.html", facts)
