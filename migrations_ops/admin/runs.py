"""Runs: the list, and the addresses of each one's pages."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Sum
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.text import Truncator

from migrations_ops.admin import addresses, run_actions, run_detail, run_report, run_start, statement_impact
from migrations_ops.admin.links import run_name
from migrations_ops.admin.mixins import SHADES, may_act
from migrations_ops.formatting import seconds
from migrations_ops.models import RestoreEntry, Run, StepRun
from tenants.admin.base import ReadOnly, labelled
from tenants.admin.links import anchor


@admin.register(Run)
class RunAdmin(ReadOnly):
    list_display = ("name", "state", "rows", "found", "took", "started_at", "started_by", "why", "limited_to")
    list_filter = ("kind", "status")
    ordering = ("-id",)
    list_before_template = "migrations_ops/runs/list_top.html"

    @admin.display(description="run", ordering="id")
    def name(self, run: Run) -> str:
        return run_name(run)

    @labelled(description="status", ordering="status", label=SHADES)
    def state(self, run: Run) -> str:
        return run.status

    @admin.display(description="rows changed")
    def rows(self, run: Run) -> str:
        where = addresses.to_run(run.pk) if run.kind == Run.Kind.RESTORE else addresses.to_ledger(run_id=run.pk)
        return _linked(where, run._vital_figures["rows"])  # type: ignore[attr-defined]

    @admin.display(description="findings")
    def found(self, run: Run) -> str:
        return _linked(addresses.to_findings(run_id=run.pk), run._vital_figures["findings"])  # type: ignore[attr-defined]

    @admin.display(description="duration")
    def took(self, run: Run) -> str:
        return seconds(((run.finished_at or timezone.now()) - run.started_at).total_seconds())

    @admin.display(description="reason", empty_value="-")
    def why(self, run: Run) -> str | None:
        return Truncator(run.reason).chars(80) or None

    @admin.display(description="limited to", empty_value="-")
    def limited_to(self, run: Run) -> str | None:
        if not run.scope:
            return None
        return anchor(addresses.to_scope(run.scope), run.scope)

    def prepare(self, rows: Iterable[Any]) -> None:
        """Two questions for the figures of the whole page, and of each part of an export: a restore has no phases."""
        runs = list(rows)
        keys = [run.pk for run in runs]
        steps = StepRun.objects.filter(phase_run__run__in=keys).values("phase_run__run")
        sums = steps.annotate(rows=Sum("rows_changed"), findings=Sum("findings")).order_by()
        figures: dict[int, dict[str, Any]] = {one["phase_run__run"]: {**one} for one in sums}
        for restored in (
            RestoreEntry.objects.filter(run_id__in=keys).values("run_id").annotate(sum=Sum("rows")).order_by()
        ):
            figures[restored["run_id"]] = {"rows": restored["sum"], "findings": 0}
        for run in runs:
            run._vital_figures = figures.get(run.pk, {"rows": 0, "findings": 0})

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(request, {"may_act": may_act(request), **(extra_context or {})})

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """A run's page; whoever carried decisions out has nothing to act on, and a report."""
        run = self.get_object(request, object_id)
        if run is None:
            raise Http404
        if run.kind == Run.Kind.DECIDE:
            return HttpResponseRedirect(reverse("admin:migrations_ops_run_report", args=[run.pk]))
        return run_detail.page(self, request, run.pk)

    def get_urls(self) -> list[URLPattern]:
        pages = (
            ("start/", run_start.start, "start"),
            ("start/preview/", run_start.preview, "preview"),
            ("impact/", statement_impact.page, "impact"),
            ("<int:run>/live/", run_detail.live, "live"),
            ("<int:run>/late/", run_detail.legacy_writes, "late"),
            ("<int:run>/log/<slug:phase>/", run_detail.log, "log"),
            ("<int:run>/report/", run_report.html, "report"),
            ("<int:run>/report/tenants/", run_report.tenants, "tenants"),
            ("<int:run>/steer/<slug:what>/", run_actions.act, "steer"),
        )
        return [self._at(*page) for page in pages] + super().get_urls()

    def _at(self, address: str, view: Any, name: str) -> URLPattern:
        """An address for whoever may look at runs."""

        def guarded(request: HttpRequest, **words: Any) -> HttpResponse:
            if not self.has_view_permission(request):
                raise PermissionDenied("You may not look at runs.")
            answer: HttpResponse = view(self, request, **words)
            return answer

        return path(address, self.admin_site.admin_view(guarded), name=f"migrations_ops_run_{name}")


def _linked(link: str, figure: int) -> str:
    """A figure as the link to what it counts."""
    return anchor(link, f"{figure:,}") if figure else "0"
