"""What becomes of the statements that applications send: pasted, or those that the database keeps."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from migrations_ops.admin import addresses, mixins
from migrations_ops.impact import service as impacts
from migrations_ops.rehearsal import service as rehearsals
from tenants.admin.base import TextArea
from vital.db.sql import relation_named

MOST = 300  # statements: somebody waits for the page
LONGEST = 200_000  # letters
LEVELS = {"error": "Breaks", "warning": "Changes", "note": "See"}


class StatementsForm(forms.Form):
    """Nothing pasted: what pg_stat_statements has."""

    text = forms.CharField(
        label="Statements",
        required=False,
        max_length=LONGEST,
        widget=TextArea(attrs={"rows": 8, "spellcheck": "false"}),
        help_text="SQL, with a semicolon after each. Leave it empty for what pg_stat_statements has kept.",
    )
    role = forms.CharField(
        label="Sent by",
        required=False,
        max_length=63,
        help_text="the role of the application; empty: the service's login",
    )


def page(model_admin: "admin.ModelAdmin[Any]", request: HttpRequest) -> HttpResponse:
    mixins.refuse_who_may_not(request)
    form = StatementsForm(request.POST if request.method == "POST" else None)
    found: dict[str, Any] = {}
    if form.is_valid():
        asked = impacts.Asked(text=form.cleaned_data["text"], role=form.cleaned_data["role"].strip(), most=MOST)
        with mixins.refusals_as_messages(request):
            found = _linked(rehearsals.judge_statements(asked))
    facts = mixins.frame(model_admin, request, "Impact", form=form, found=found, most=MOST)
    return TemplateResponse(request, "migrations_ops/runs/impact.html", facts)


def _linked(document: dict[str, Any]) -> dict[str, Any]:
    """Each finding with its level as a word, and the links to its tables' rows."""
    for one in document.get("findings", []):
        one["word"] = LEVELS[one["level"]]
        one["links"] = [{"name": table, "to": _to_rows(table)} for table in one["tables"]]
    for one in document.get("problems", []):
        one["to"] = _to_rows(one["table"])
    return document


def _to_rows(table: str) -> str:
    return addresses.to_rows(relation_named(table))
