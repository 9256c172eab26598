"""The history of people's decisions about rows; each can be taken back."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from migrations_ops.admin.mixins import may_act
from migrations_ops.models import Override
from migrations_ops.review import service as review
from tenants.admin.base import ReadOnly
from tenants.models import TenantRecord
from vital.errors import EngineError

MOST = 100  # decisions that are taken back at once: each is a small run of its own


class ReasonForm(forms.Form):
    """Why decisions are taken back."""

    reason = forms.CharField(widget=forms.Textarea(attrs={"rows": 3}), help_text="it is written down with your name")


@admin.register(Override)
class OverrideAdmin(ReadOnly):
    list_display = ("relation", "key", "tenant", "reason", "decided_by", "decided_at")
    list_display_links = ("key",)
    list_filter = ("relation", "decided_by")
    search_fields = ("key", "reason")
    search_help_text = "key or reason"
    ordering = ("-decided_at", "-id")
    list_per_page = 50
    actions = ("take_back",)
    list_before_template = "migrations_ops/nothing_yet.html"
    nothing_yet = "Nobody has decided about a row yet."

    @admin.display(description="tenant")
    def tenant(self, decision: Override) -> str:
        return getattr(decision, "tenant_name", None) or str(decision.tenant_id)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        named = TenantRecord.objects.filter(pk=OuterRef("tenant_id")).values("name")[:1]
        decisions: QuerySet[Any] = super().get_queryset(request).annotate(tenant_name=Subquery(named))
        return decisions

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return may_act(request)

    @admin.action(description="Take these decisions back", permissions=["decide"])
    def take_back(self, request: HttpRequest, queryset: QuerySet[Override]) -> HttpResponse | None:
        """Asks for a reason first; each row goes back to where it was, or to where the rules put it."""
        chosen = list(queryset[: MOST + 1])
        if len(chosen) > MOST:
            messages.error(request, f"At most {MOST} decisions are taken back at once.")
            return None
        form = ReasonForm(request.POST if "reason" in request.POST else None)
        if form.is_valid():
            self._withdraw(request, chosen, form.cleaned_data["reason"])
            return None
        context = self.admin_site.each_context(request) | {
            "title": "Take decisions back",
            "opts": self.opts,
            "form": form,
            "decisions": chosen,
        }
        return TemplateResponse(request, "migrations_ops/take_back.html", context)

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
        messages.info(request, f"{done:,} of {len(chosen):,} decisions are taken back.")
