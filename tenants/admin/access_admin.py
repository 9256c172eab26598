"""Who may come in: staff, their memberships, the keys of programs; and tenants as the registry knows them."""

from typing import Any, ClassVar, cast
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import Model, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, QueryDict
from django.urls import URLPattern

from tenants import audit
from tenants.admin import tenant_choice
from tenants.admin.base import (
    AdminPasswordChangeForm,
    ModelAdmin,
    ReadOnly,
    TabularInline,
    UserChangeForm,
    UserCreationForm,
)
from tenants.admin.links import Named, one
from tenants.admin.tenant_choice import TenantChoice, TenantChoices
from tenants.auth import api_keys
from tenants.models import ApiKey, Domain, Membership, Tenant

admin.site.unregister(User)  # Django's own pages, which the import has registered
admin.site.unregister(Group)


@admin.register(User)
class StaffAdmin(UserAdmin, ModelAdmin):  # type: ignore[type-arg]
    """Everybody who may log in."""

    form, add_form, change_password_form = UserChangeForm, UserCreationForm, AdminPasswordChangeForm
    list_display = ("username", "first_name", "last_name", "is_active", "is_superuser", "last_login")
    filter_horizontal = ()  # the two lists of Django's own widget cannot be read by a screen reader


@admin.register(Group)
class GroupsAdmin(GroupAdmin, ModelAdmin):
    """Groups of Django's permissions."""

    filter_horizontal = ()
    nothing_yet = "There are no groups. VITAL needs none: superusers may do everything, members see their tenant."


class Domains(TabularInline):
    model = Domain
    extra = 0


@admin.register(Tenant)
class TenantAdmin(ReadOnly):
    """The host names of each tenant. What django-tenants calls its schema names nothing here, and is not shown."""

    list_display = ("record", "hosts")
    list_display_links = ("hosts",)
    list_select_related = ("record",)
    fields = ("record",)
    ordering = ("pk",)
    links: ClassVar = {"record": one("tenant", "record_id")}
    nothing_yet = "There are no host names: tenants get theirs with 002_tenant_setup. Start a run first."
    search_fields = ("domains__domain",)
    search_help_text = "host name"
    inlines = (Domains,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Tenant]:
        return super().get_queryset(request).prefetch_related("domains")

    @admin.display(description="host names")
    def hosts(self, tenant: Tenant) -> str:
        return ", ".join(sorted(one.domain for one in tenant.domains.all())) or "none"


def _member(row: Membership) -> list[Named | str]:
    return [("staff", row.user.get_username())]


def _tenants_of_key(key: ApiKey) -> list[Named | str]:
    return [("tenant", str(tenant)) for tenant in key.tenants]


class MembershipForm(ModelForm):  # type: ignore[type-arg]
    tenant_id = TenantChoice()

    def clean_tenant_id(self) -> UUID:
        chosen: UUID = self.cleaned_data["tenant_id"].pk
        return chosen


@admin.register(Membership)
class MembershipAdmin(ModelAdmin):
    """Which tenants a member of the staff may look into, here and through the API, and as what."""

    list_display = ("user", "tenant_id", "role")
    list_display_links = ("role",)
    nothing_yet = "There are no memberships. Add one, and a member of staff sees the tenant's rows."
    list_select_related = ("user",)
    list_filter = ("role",)
    links: ClassVar = {"tenant_id": one("tenant", "tenant_id"), "user": _member}
    search_fields = ("user__username",)

    form = MembershipForm
    autocomplete_fields = ("user",)

    def get_urls(self) -> list[URLPattern]:
        return tenant_choice.urls(self) + super().get_urls()

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


class ApiKeyForm(ModelForm):  # type: ignore[type-arg]
    tenants = TenantChoices(label="Tenants", help_text="The tenants that it may use. The first is its own.")

    def clean_tenants(self) -> list[UUID]:
        """In the order in which they were chosen: the first one counts for more."""
        chosen = {str(one.pk): one.pk for one in self.cleaned_data["tenants"]}
        return [chosen[key] for key in cast(QueryDict, self.data).getlist("tenants") if key in chosen]


@admin.register(ApiKey)
class ApiKeyAdmin(ModelAdmin):
    """Keys of programs: made here (shown once), revoked, rotated; never changed or deleted, for the logs' sake."""

    list_display = ("name", "prefix", "tenants", "scope", "created_at", "expires_at", "revoked_at", "last_used_at")
    list_filter = ("scope",)
    nothing_yet = "There are no API keys. Add one for each program that calls the API."
    search_fields = ("name", "prefix")
    links: ClassVar = {"tenants": _tenants_of_key}
    form = ApiKeyForm
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
