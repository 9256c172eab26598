"""Runs: the list, and the addresses of each one's pages."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse

from migrations_ops.admin import run_actions, run_detail, run_report, run_start
from migrations_ops.admin.mixins import SHADES, may_act
from migrations_ops.models import Run
from tenants.admin.base import ReadOnly, labelled


@admin.register(Run)
class RunAdmin(ReadOnly):
    list_display = ("name", "state", "started_by", "started_at", "finished_at", "scope")
    list_filter = ("kind", "status")
    ordering = ("-id",)
    list_before_template = "migrations_ops/runs/list_top.html"

    @admin.display(description="run", ordering="id")
    def name(self, run: Run) -> str:
        return str(run).capitalize()

    @labelled(description="state", ordering="status", label=SHADES)
    def state(self, run: Run) -> str:
        return run.status

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
            ("<int:run>/live/", run_detail.live, "live"),
            ("<int:run>/late/", run_detail.legacy_writes, "late"),
            ("<int:run>/log/<slug:phase>/", run_detail.log, "log"),
            ("<int:run>/report/", run_report.html, "report"),
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
