"""Tenants for the Platform's admins: the list, a new one, one out of its archive, and the page of each."""

from typing import Any, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from migrations_ops.admin import addresses, mixins, tenant_archives, tenant_page
from migrations_ops.admin.tenant_forms import NewTenantForm, add_error
from tenants.admin.base import ReadOnly
from tenants.lifecycle import service as lifecycle
from tenants.models import TenantRecord
from vital.errors import EngineError


@admin.register(TenantRecord)
class TenantRecordAdmin(ReadOnly):
    """Changed through the same service as by `./manage.py tenants`."""

    list_display = ("name", "slug", "domain", "compliance_level", "is_active")
    list_filter = ("is_active", "compliance_level")
    search_fields = ("name", "slug", "domain")
    list_per_page = 50
    list_before_template = "migrations_ops/tenants/list_top.html"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        pages = (("new/", self.new_view, "new"), ("import/", self.import_view, "import"))
        own = [path(address, view(page), name=f"tenants_tenantrecord_{name}") for address, page, name in pages]
        return own + super().get_urls()

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(request, {"may_act": mixins.may_act(request), **(extra_context or {})})

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            tenant = lifecycle.tenant_named(object_id)
            # An archive is sent as a stream, which is no HttpResponse for Django's types, and one for its pages.
            return cast(HttpResponse, tenant_page.page(self, request, tenant))
        except EngineError as error:
            raise Http404(str(error)) from error

    def new_view(self, request: HttpRequest) -> HttpResponse:
        """A tenant is asked for; what does not hold is said at its field."""
        mixins.refuse_who_may_not(request)
        form = NewTenantForm(request.POST if request.method == "POST" else None)
        if form.is_valid() and "confirmed" in request.POST:
            try:
                who, reason = request.user.get_username(), form.cleaned_data["reason"]
                made = lifecycle.add_tenant(form.wanted(), reason, who=who)
                messages.success(request, f"{made['name']} is added. It has no row yet, and sees the Platform's.")
                return HttpResponseRedirect(addresses.to_tenant(made["id"]))
            except EngineError as error:
                add_error(form, error)
        asks = form.is_bound and form.is_valid()
        back = reverse("admin:tenants_tenantrecord_changelist")
        facts = mixins.frame(self, request, "Add a tenant", form=form, asks=asks, back=back)
        return TemplateResponse(request, "migrations_ops/tenants/new.html", facts)

    def import_view(self, request: HttpRequest) -> HttpResponse:
        return tenant_archives.bring_in(self, request)
