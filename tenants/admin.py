"""Tenants as the registry knows them."""

from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest

from tenants import keys
from tenants.models import ApiKey, Domain, Membership, Tenant, TenantRecord
from tenants.staff import ModelAdmin, ReadOnly, TabularInline


class Domains(TabularInline):
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


@admin.register(Membership)
class MembershipAdmin(ModelAdmin):
    """Which tenants a user of the admin may use through the API, and as what."""

    list_display = ("user", "tenant_id", "role")
    list_filter = ("role",)
    search_fields = ("user__username",)


@admin.register(ApiKey)
class ApiKeyAdmin(ModelAdmin):
    """Keys of programs: made here (shown once), revoked, rotated; never changed or deleted, for the logs' sake."""

    list_display = ("name", "prefix", "scope", "created_at", "expires_at", "revoked_at", "last_used_at")
    list_filter = ("scope",)
    search_fields = ("name", "prefix")
    fields = ("name", "tenants", "scope", "expires_at")
    actions = ("revoke", "rotate")

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: ApiKey, form: "ModelForm[ApiKey]", change: bool) -> None:
        made, key = keys.make(obj.name, obj.tenants, obj.scope, obj.expires_at)
        obj.pk, obj.prefix = made.pk, made.prefix
        self.message_user(request, f"The key, shown this once: {key}", messages.WARNING)

    @admin.action(description="Revoke", permissions=["add"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        for record in queryset:
            keys.revoke(record)
        self.message_user(request, "Revoked: within a second they open nothing any more.")

    @admin.action(description="Rotate: a new key, the old one ends in an hour", permissions=["add"])
    def rotate(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        for record in queryset.filter(revoked_at=None):
            _, key = keys.rotate(record, keep_minutes=60)
            self.message_user(request, f"{record.name}: the new key, shown this once: {key}", messages.WARNING)
