"""Rows of the platform's tables with their tenant and the rule that decided."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from catalog import models as catalog
from migrations_ops import services
from tenants.staff import ReadOnly


class AssignedAdmin(ReadOnly):
    """Rows of a platform table with their tenant and the rule that decided."""

    list_display = ("__str__", "tenant", "rule")
    list_filter = ("tenant",)
    list_select_related = ("tenant",)
    list_per_page = 50

    @admin.display(description="rule")
    def rule(self, row: Model) -> str:
        return getattr(row, "_vital_rule", "")

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """One question to the ledger for the whole page."""
        changelist = super().get_changelist_instance(request)
        rows = list(changelist.result_list)
        rules = services.rules_of_rows(f"public.{self.opts.db_table}", [str(row.pk) for row in rows])
        for row in rows:
            row._vital_rule = rules.get(str(row.pk), "")
        changelist.result_list = rows
        return changelist

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if not services.has_tenants():
            messages.warning(request, "No row has a tenant yet: run manage.py migrate_tenants first.")
            return HttpResponseRedirect(reverse("admin:index"))
        return super().changelist_view(request, extra_context)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).order_by("pk")


for model in (
    catalog.Tool,
    catalog.Agent,
    catalog.Prompt,
    catalog.KnowledgeDomain,
    catalog.KnowledgeSource,
    catalog.KnowledgeChunk,
):
    admin.site.register(model, AssignedAdmin)
