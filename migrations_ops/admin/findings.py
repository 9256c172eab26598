"""What checks found, and people's decisions about it."""

from typing import Any, ClassVar
from urllib.parse import urlencode

from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, reverse

from migrations_ops.admin import decision_page, queue, references
from migrations_ops.admin.filters import OfTenant
from migrations_ops.admin.links import by_relation, phase_of
from migrations_ops.admin.mixins import may_act
from migrations_ops.models import Finding, PhaseRun
from tenants.admin.base import ReadOnly
from tenants.admin.links import one
from vital.db.sql import shown

REFERENCES = "references into another tenant"  # as the check of 005 is called


@admin.register(Finding)
class FindingAdmin(ReadOnly):
    list_display = ("message", "key", "relation", "check_name", "severity", "found_at")
    links: ClassVar = {
        "key": by_relation("key", "row"),
        "relation": one("table", "relation"),
        "check_name": by_relation("check_name", "check"),
        "run_id": one("run", "run_id"),
        "phase": phase_of,
    }
    list_filter = ("severity", "relation", "check_name", OfTenant)
    search_fields = ("key", "message")
    actions = ("decide",)
    change_form_outer_before_template = "migrations_ops/finding_next.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Finding]:
        """What an undone phase had found is history: the run's report has it."""
        undone = PhaseRun.objects.filter(
            run_id=OuterRef("run_id"), phase=OuterRef("phase"), status=PhaseRun.Status.ROLLED_BACK
        )
        return super().get_queryset(request).filter(~Exists(undone))

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """An empty list says whether anything was checked at all."""
        checked = PhaseRun.objects.exclude(status=PhaseRun.Status.ROLLED_BACK).exists()
        sentence = "No check has found anything." if checked else "Nothing was checked yet: start a run first."
        return super().changelist_view(request, {"nothing_yet": sentence, **(extra_context or {})})

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """With what to do next, here and on the command line."""
        finding = self.get_object(request, object_id)
        facts: dict[str, Any] = {"may_decide": may_act(request)}
        if isinstance(finding, Finding):
            words = urlencode({"table": finding.relation, "check": finding.check_name})
            facts |= {
                "table": shown(finding.relation),
                "group": f"{reverse('admin:migrations_ops_finding_queue')}?{words}",
            }
            if finding.key and finding.check_name == REFERENCES:
                facts["resolve"] = references.address(table=shown(finding.relation), key=finding.key)
        return super().change_view(request, object_id, form_url, facts | (extra_context or {}))

    def get_urls(self) -> list[URLPattern]:
        return queue.urls(self) + references.urls(self) + super().get_urls()

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return may_act(request)

    @admin.action(description="Assign to a tenant", permissions=["decide"])
    def decide(self, request: HttpRequest, queryset: QuerySet[Finding]) -> HttpResponse | None:
        rows = queryset.exclude(key="").order_by("relation", "key").values_list("relation", "key")
        return decision_page.page(self, request, list(rows[: decision_page.MOST + 1]), "decide")
