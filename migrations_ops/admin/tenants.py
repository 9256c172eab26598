"""Tenants for the Platform's admins: what each has, what is set for it, by which ids it goes, whether it is let in."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse

from migrations_ops.admin.tenant_forms import AliasForm, SettingsForm, StateForm
from tenants.admin.base import ReadOnly
from tenants.lifecycle import service as lifecycle
from tenants.models import TenantRecord
from vital.errors import EngineError

ALIASES = {
    "add alias": lifecycle.add_alias,
    "remove alias": lifecycle.remove_alias,
}  # what a button says → what it does


@admin.register(TenantRecord)
class TenantRecordAdmin(ReadOnly):
    """Tenants are added on the command line; what is set for one is changed on its page."""

    list_display = ("name", "slug", "domain", "compliance_level", "is_active")
    list_filter = ("is_active", "compliance_level")
    search_fields = ("name", "slug", "domain")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            return HttpResponse(status=403)
        try:
            tenant = lifecycle.tenant_named(object_id)
            return self._page(request, tenant)
        except EngineError as error:
            raise Http404(str(error)) from error

    def _page(self, request: HttpRequest, tenant: dict[str, Any]) -> HttpResponse:
        what = request.POST.get("what", "")
        settings = SettingsForm(tenant["slug"], request.POST if what == "settings" else None)
        state = StateForm(request.POST if what == "state" else None)
        alias = AliasForm(request.POST if what in ALIASES else None)
        form = {"settings": settings, "state": state, **dict.fromkeys(ALIASES, alias)}.get(what)
        if form is not None and form.is_valid() and self._carried_out(request, tenant, form):
            return HttpResponseRedirect(request.path)
        shown = {"title": tenant["name"], "opts": self.opts, "original": tenant["name"], "tenant": tenant}
        context = self.admin_site.each_context(request) | shown
        context |= {"settings": settings, "state": state, "alias": alias}
        return TemplateResponse(request, "migrations_ops/tenant.html", context)

    def _carried_out(self, request: HttpRequest, tenant: dict[str, Any], form: forms.Form) -> bool:
        """By the same door as the command; what was wrong is said on the page."""
        slug, reason, who = tenant["slug"], form.cleaned_data["reason"], request.user.get_username()
        try:
            if isinstance(form, SettingsForm):
                changed = lifecycle.configure_tenant(slug, form.changes(), reason, who=who)["changed"]
                messages.success(request, f"{len(changed)} settings are changed, in force within a second.")
            elif isinstance(form, AliasForm):
                ALIASES[request.POST["what"]](slug, form.cleaned_data["alias"], reason, who=who)
                messages.success(request, "Its further ids are changed, in force within a second.")
            else:
                active = lifecycle.set_tenant_active(slug, reason, active=not tenant["is_active"], who=who)["is_active"]
                messages.success(request, f"{slug} is {'active' if active else 'suspended'} within a second.")
        except EngineError as error:
            messages.error(request, str(error))
            return False
        return True
