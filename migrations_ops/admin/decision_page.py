"""The page on which rows are assigned to a tenant: a preview first, then the same once more with a yes."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from migrations_ops.admin.mixins import frame
from migrations_ops.review import service as review
from tenants.admin.links import names_of
from tenants.admin.tenant_choice import TenantChoice
from vital.errors import EngineError

MOST = 1000  # rows at once; more are for a file: ./manage.py migrate_tenants findings --csv


class DecisionForm(forms.Form):
    """Whose the rows are, and why."""

    tenant = TenantChoice(by="slug", label="Assign to")
    reason = forms.CharField(widget=forms.Textarea(attrs={"rows": 3}), help_text="It is kept with your name.")
    token = forms.CharField(widget=forms.HiddenInput, required=False)


def page(
    model_admin: "admin.ModelAdmin[Any]",
    request: HttpRequest,
    rows: list[tuple[str, str]],
    action: str,
    chosen: list[str] | None = None,
) -> HttpResponse | None:
    """Rows as (table, key). The form; filled in, a preview; confirmed, None: show the list again. `chosen`:
    what stands for the rows when they are confirmed, if not what was sent now."""
    if not rows or len(rows) > MOST:
        messages.error(request, f"Select 1 to {MOST:,} rows that have a key.")
        return None
    document: dict[str, Any] = {}
    form = DecisionForm(request.POST if "reason" in request.POST else None)
    if form.is_valid():
        tenant, reason = form.cleaned_data["tenant"], form.cleaned_data["reason"]
        single = enumerate(dict.fromkeys(rows), start=1)
        given = [review.Decision(n, table, key, tenant.slug, reason) for n, (table, key) in single]
        how = {"who": request.user.get_username(), "seen": form.cleaned_data["token"]}
        try:
            if form.cleaned_data["token"]:
                messages.info(request, _outcome(review.decide(lambda: given, lambda why: None, **how)))
                return None
            document = review.decide(lambda: given, lambda why: None, dry_run=True, **how)
            document["crossing"] = review.crossing(rows, str(tenant.pk))
        except EngineError as error:
            messages.error(request, str(error))
            for problem in error.facts.get("problems", [])[:20]:
                messages.error(request, f"{problem.relation} {problem.key}: {problem.message}")
    names_of(request).load("row", rows[:20])
    facts = {
        "form": form,
        "rows": rows,
        "document": document,
        "selected": request.POST.getlist("_selected_action") if chosen is None else chosen,
        "action": action,
        "cancel": request.get_full_path(),
    }
    context = frame(model_admin, request, "Confirm" if document else "Assign to a tenant", **facts)
    return TemplateResponse(request, "migrations_ops/decide.html", context)


def _outcome(document: dict[str, Any]) -> str:
    text = f"{document.get('carried_out', 0):,} of {document['decisions']['new']:,} decisions are carried out."
    return text + (f" The others wait for the next run: {document['waits']}" if document.get("waits") else "")
