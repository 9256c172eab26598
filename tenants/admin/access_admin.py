"""Tenants as the registry knows them."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest

from tenants import audit
from tenants.admin.base import ModelAdmin, ReadOnly, TabularInline
from tenants.auth import api_keys
from tenants.models import ApiKey, Domain, Membership, Tenant, TenantRecord


class Domains(TabularInline):
    model = Domain
    extra = 0


@admin.register(Tenant)
class TenantAdmin(ReadOnly):
    """The registry beside it: isolation and host names."""

    list_display = ("record", "isolation", "schema_name")
    list_filter = ("isolation",)
    search_fields = ("schema_name",)
    inlines = (Domains,)


@admin.register(Membership)
class MembershipAdmin(ModelAdmin):
    """Which tenants somebody of the staff may look into, here and through the API, and as what."""

    list_display = ("user", "tenant_id", "role")
    list_filter = ("role",)
    search_fields = ("user__username",)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """A tenant is chosen by its name."""
        if db_field.name != "tenant_id":
            return super().formfield_for_dbfield(db_field, request, **kwargs)
        tenants = TenantRecord.objects.order_by("name").values_list("id", "name")
        return forms.TypedChoiceField(label="Tenant", coerce=UUID, choices=list(tenants))

    def log_addition(self, request: HttpRequest, obj: Membership, message: Any) -> Any:
        self._note(request, "add member", obj)
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Membership, message: Any) -> Any:
        self._note(request, "change member", obj)
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[Membership]) -> Any:
        for obj in queryset:
            self._note(request, "remove member", obj)
        return super().log_deletions(request, queryset)

    def _note(self, request: HttpRequest, action: str, obj: Membership) -> None:
        facts = {"user": obj.user.get_username(), "tenant": str(obj.tenant_id), "role": obj.role}
        audit.record(request.user.get_username(), action, "", facts)


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
        made, key = api_keys.make(obj.name, obj.tenants, obj.scope, obj.expires_at, who=request.user.get_username())
        obj.pk, obj.prefix = made.pk, made.prefix
        self.message_user(request, f"The key, shown this once: {key}", messages.WARNING)

    @admin.action(description="Revoke", permissions=["add"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        for record in queryset:
            api_keys.revoke(record, who=request.user.get_username())
        self.message_user(request, "Revoked: within a second they open nothing any more.")

    @admin.action(description="Rotate: a new key, the old one ends in an hour", permissions=["add"])
    def rotate(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        for record in queryset.filter(revoked_at=None):
            _, key = api_keys.rotate(record, keep_minutes=60, who=request.user.get_username())
            self.message_user(request, f"{record.name}: the new key, shown this once: {key}", messages.WARNING)
