"""What the migration remembers, and each row with its tenant and the rule that put it there. Read-only."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from catalog import models as catalog
from migrations_ops import services
from migrations_ops.engine.errors import EngineError
from migrations_ops.management import decision_page
from migrations_ops.models import Finding, LedgerEntry, PhaseRun, Run
from tenants.admin import ReadOnly

PATIENCE = 15  # seconds that a page waits for a run's batch


class Phases(admin.TabularInline):  # type: ignore[type-arg]  # generic in the stubs only
    model = PhaseRun
    extra = 0
    can_delete = False
    fields = readonly_fields = ("phase", "status", "started_at", "completed_at", "metrics", "error")

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(Run)
class RunAdmin(ReadOnly):
    list_display = ("id", "kind", "status", "started_by", "started_at", "finished_at")
    list_filter = ("kind", "status")
    inlines = (Phases,)
    actions = ("pause", "cancel")

    def has_stop_permission(self, request: HttpRequest) -> bool:
        """Looking is for staff; a run is stopped by whoever may do everything."""
        return bool(request.user.is_active and getattr(request.user, "is_superuser", False))

    @admin.action(description="Pause the unfinished run after its batch", permissions=["stop"])
    def pause(self, request: HttpRequest, queryset: QuerySet[Run]) -> None:
        self._stop(request, queryset, "pause")

    @admin.action(description="Cancel the unfinished run after its batch; what it did stays", permissions=["stop"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Run]) -> None:
        self._stop(request, queryset, "cancel")

    def _stop(self, request: HttpRequest, queryset: QuerySet[Run], what: str) -> None:
        """By the same door as the command; a run that was not chosen is not stopped."""
        if not queryset.filter(status__in=Run.UNFINISHED).exists():
            messages.error(request, "None of these runs is unfinished: there is nothing to stop.")
            return
        try:
            run, status = services.stop(what, patience=PATIENCE)
        except EngineError as error:
            messages.error(request, str(error))
            return
        messages.info(
            request, f"Run {run} is {status}." + (" It stops after its batch." if status == "running" else "")
        )


@admin.register(LedgerEntry)
class LedgerAdmin(ReadOnly):
    list_display = ("id", "relation", "rule", "kind", "rows", "phase", "run_id", "written_at", "undone_at")
    list_filter = ("relation", "phase", "kind")


@admin.register(Finding)
class FindingAdmin(ReadOnly):
    list_display = ("relation", "key", "message", "severity", "check_name", "found_at")
    list_filter = ("severity", "relation", "check_name")
    search_fields = ("key", "message")
    actions = ("decide",)

    def has_decide_permission(self, request: HttpRequest) -> bool:
        """Looking is for staff; whose a row is, is said by whoever may do everything."""
        return bool(request.user.is_active and getattr(request.user, "is_superuser", False))

    @admin.action(description="Decide whose these rows are", permissions=["decide"])
    def decide(self, request: HttpRequest, queryset: QuerySet[Finding]) -> HttpResponse | None:
        return decision_page.page(self, request, queryset)


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
