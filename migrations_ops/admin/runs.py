"""Runs with their phases, and what each batch wrote."""

from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from migrations_ops import services
from migrations_ops.engine.errors import EngineError
from migrations_ops.models import LedgerEntry, PhaseRun, Run
from tenants.staff import ReadOnly, TabularInline

PATIENCE = 15  # seconds that a page waits for a run's batch


class Phases(TabularInline):
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
