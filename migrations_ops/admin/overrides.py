"""The history of people's decisions about rows; each can be withdrawn."""

from collections.abc import Iterable
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from migrations_ops.admin.filters import ByDecider
from migrations_ops.admin.links import by_relation
from migrations_ops.admin.mixins import may_act
from migrations_ops.models import Override
from migrations_ops.review import service as review
from tenants.admin.base import ReadOnly
from tenants.admin.links import Named, names_of, one
from vital.errors import EngineError

MOST = 100  # decisions that are withdrawn at once: each is a small run of its own


class ReasonForm(forms.Form):
    """Why decisions are withdrawn."""

    reason = forms.CharField(widget=forms.Textarea(attrs={"rows": 3}), help_text="It is kept with your name.")


def _run(decision: Any) -> list[Named | str]:
    """The run that carried it out."""
    if not hasattr(decision, "_vital_run"):
        known = review.last_rules(decision.relation, [decision.key]).get(decision.key)
        decision._vital_run = known.run if known else None
    return [("run", decision._vital_run)] if decision._vital_run else []


@admin.register(Override)
class OverrideAdmin(ReadOnly):
    list_display = ("reason", "key", "relation", "tenant_id", "run", "decided_by", "decided_at")
    fields = ("reason", "key", "relation", "tenant_id", "run", "decided_by", "decided_at")
    links: ClassVar = {
        "key": by_relation("key", "row"),
        "relation": one("table", "relation"),
        "tenant_id": one("tenant", "tenant_id"),
        "run": _run,
        "decided_by": one("staff", "decided_by"),
    }
    list_filter = ("relation", ("decided_by", ByDecider))
    search_fields = ("key", "reason")
    search_help_text = "the row's key, or the reason"
    ordering = ("-decided_at", "-id")
    list_per_page = 50
    actions = ("take_back",)
    nothing_yet = "There is no decision yet. Review shows the rows that need one."

    def run(self, decision: Override) -> None:
        """Its cells are links: see `links`."""

    def prepare(self, rows: Iterable[Any]) -> None:
        """The runs that carried the decisions out: one question of each table."""
        decisions = list(rows)
        for relation in {decision.relation for decision in decisions}:
            shown = [decision for decision in decisions if decision.relation == relation]
            known = review.last_rules(relation, [decision.key for decision in shown])
            for decision in shown:
                decision._vital_run = known[decision.key].run if decision.key in known else None

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return may_act(request)

    @admin.action(description="Withdraw the decisions", permissions=["decide"])
    def take_back(self, request: HttpRequest, queryset: QuerySet[Override]) -> HttpResponse | None:
        """Asks for a reason first; each row goes back to where it was, or to where the rules put it."""
        chosen = list(queryset[: MOST + 1])
        if len(chosen) > MOST:
            messages.error(request, f"At most {MOST} decisions are withdrawn at once.")
            return None
        form = ReasonForm(request.POST if "reason" in request.POST else None)
        if form.is_valid():
            self._withdraw(request, chosen, form.cleaned_data["reason"])
            return None
        names_of(request).load("row", [(decision.relation, decision.key) for decision in chosen])
        context = self.admin_site.each_context(request) | {
            "title": "Withdraw",
            "opts": self.opts,
            "form": form,
            "decisions": chosen,
        }
        return TemplateResponse(request, "migrations_ops/withdraw.html", context)

    def _withdraw(self, request: HttpRequest, chosen: list[Override], reason: str) -> None:
        done = 0
        for decision in chosen:
            try:
                review.withdraw(
                    decision.relation, decision.key, reason, lambda why: None, who=request.user.get_username()
                )
                done += 1
            except EngineError as error:
                messages.error(request, f"{decision}: {error}")
        messages.info(request, f"{done:,} of {len(chosen):,} decisions are withdrawn.")
