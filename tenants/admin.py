"""Tenants as the registry knows them."""

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from tenants.models import Domain, Tenant, TenantRecord


class ReadOnly(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    """Looked at here, changed only through services."""

    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class Domains(admin.TabularInline):  # type: ignore[type-arg]  # generic in the stubs only
    model = Domain
    extra = 0


@admin.register(TenantRecord)
class TenantRecordAdmin(ReadOnly):
    """The record of name and settings; tenants are made and removed by the migration, not here."""

    list_display = ("name", "slug", "domain", "compliance_level", "is_active")
    list_filter = ("is_active", "compliance_level")
    search_fields = ("name", "slug", "domain")


@admin.register(Tenant)
class TenantAdmin(ReadOnly):
    """The registry beside it: isolation and host names."""

    list_display = ("record", "isolation", "schema_name")
    list_filter = ("isolation",)
    search_fields = ("schema_name",)
    inlines = (Domains,)
