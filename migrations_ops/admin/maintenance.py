"""The one switch of the service: maintenance, on or off, with the reason."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse

from migrations_ops.admin.mixins import may_act
from tenants import maintenance
from tenants.admin.base import ReadOnly, TextArea
from tenants.models import Maintenance
from vital.errors import EngineError


class ReasonForm(forms.Form):
    reason = forms.CharField(widget=TextArea(attrs={"rows": 2}), help_text="It is kept with your name.")


@admin.register(Maintenance)
class MaintenanceAdmin(ReadOnly):
    """Whether it is on, since when, by whom and why; and the button, for whoever may do everything."""

    exports = False

    def has_switch_permission(self, request: HttpRequest) -> bool:
        return may_act(request)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        form = ReasonForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            self._switch(request, form.cleaned_data["reason"])
            return HttpResponseRedirect(request.path)
        context = self.admin_site.each_context(request) | {
            "title": "Maintenance",
            "opts": self.opts,
            "form": form,
            "state": maintenance.maintained(),
            "may_switch": self.has_switch_permission(request),
        }
        return TemplateResponse(request, "migrations_ops/maintenance.html", context)

    def _switch(self, request: HttpRequest, reason: str) -> None:
        if not self.has_switch_permission(request):
            raise PermissionDenied
        try:
            state = maintenance.maintain(request.POST.get("switch") == "on", reason, who=request.user.get_username())
        except EngineError as error:
            messages.error(request, str(error))
            return
        state_now = "on: the API reads, and writes wait" if state["on"] else "off: the API reads and writes"
        messages.success(request, f"Maintenance is {state_now}. Every process of the service knows within a second.")
