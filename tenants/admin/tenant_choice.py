"""Tenants are chosen by their names: a field that looks them up while one types, however many there are."""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Q
from django.forms import Widget
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString

from tenants.admin.base import AutocompleteField, ManyAutocompleteField, ManySearched, ModelAdmin, OneSearched
from tenants.identity import tenant_id
from tenants.models import TenantRecord

AT_ONCE = 20
WRITTEN = (
    '<noscript><input type="text" name="{}" class="vital-written" aria-label="Tenant" placeholder="its slug or name">'
    "</noscript>"
)
FORMS = {"id": "pk", "slug": "slug"}  # what stands for a tenant in a form → its field


def _words(by: str, words: dict[str, Any]) -> dict[str, Any]:
    found = {"queryset": TenantRecord.objects.order_by("name"), "to_field_name": FORMS[by], "label": "Tenant"}
    return {"url_path": f"admin:tenants_membership_choices_{by}", **found, **words}


class _OnlyChosen:
    """Has the options that are chosen, not one for each tenant: the others are looked up."""

    choices: Any

    def optgroups(self, name: str, value: list[str], attrs: dict[str, Any] | None = None) -> Any:
        every = self.choices
        key = every.field.to_field_name
        ids = [one for one in value if tenant_id(str(one))] if key == "pk" else value
        rows = every.queryset.filter(**{f"{key}__in": ids}) if any(value) else every.queryset.none()
        self.choices = [("", ""), *(every.choice(row) for row in rows)]
        try:
            return super().optgroups(name, value, attrs)  # type: ignore[misc]
        finally:
            self.choices = every


class OneTenant(_OnlyChosen, OneSearched):
    """Where no script runs, the tenant's slug or name is written instead."""

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        return super().render(name, value, attrs, renderer) + format_html(WRITTEN, name)

    def value_from_datadict(self, data: Any, files: Any, name: str) -> str | None:
        """What is written comes after what is chosen, and may be empty."""
        given = data.getlist(name) if hasattr(data, "getlist") else [data.get(name)]
        text = next((str(one).strip().replace("\0", "") for one in reversed(given) if one), "")
        named = list(TenantRecord.objects.filter(Q(slug__iexact=text) | Q(name__iexact=text))[:2]) if text else []
        key = self.choices.field.to_field_name
        return str(getattr(named[0], key)) if len(named) == 1 else text or None

    def use_required_attribute(self, initial: Any) -> bool:
        return False  # else a browser would ask for a choice where one can only write


class ManyTenants(_OnlyChosen, ManySearched):
    """The same of several. Each has its own cross; select2's cross for all of them would stand in their list without
    being of it, which screen readers stumble over."""

    def build_attrs(self, base_attrs: dict[str, Any], extra_attrs: dict[str, Any] | None = None) -> dict[str, Any]:
        return super().build_attrs(base_attrs, extra_attrs) | {"data-allow-clear": "false"}


class _Searched:
    def widget_attrs(self, widget: Widget) -> dict[str, Any]:
        found: dict[str, Any] = super().widget_attrs(widget)  # type: ignore[misc]
        return found | {"data-placeholder": "Search by name or slug"}


class TenantChoice(_Searched, AutocompleteField):
    widget = OneTenant

    def __init__(self, by: str = "id", **words: Any) -> None:
        super().__init__(**_words(by, words))


class TenantChoices(_Searched, ManyAutocompleteField):
    widget = ManyTenants

    def __init__(self, **words: Any) -> None:
        super().__init__(**_words("id", words))


def urls(model_admin: ModelAdmin) -> list[URLPattern]:
    """The addresses that the fields ask."""
    view = model_admin.admin_site.admin_view
    return [
        path(f"autocomplete/{by}/", view(_found(model_admin, field)), name=f"tenants_membership_choices_{by}")
        for by, field in FORMS.items()
    ]


def _found(model_admin: ModelAdmin, field: str) -> Callable[[HttpRequest], HttpResponse]:
    def answer(request: HttpRequest) -> HttpResponse:
        """Tenants whose name or slug has what was typed."""
        if not model_admin.has_view_permission(request):
            raise PermissionDenied
        term, page = request.GET.get("term", "").strip().replace("\0", ""), request.GET.get("page", "")
        wanted = Q(name__icontains=term) | Q(slug__icontains=term)
        pages = Paginator(TenantRecord.objects.filter(wanted).order_by("name", "pk"), AT_ONCE).get_page(page)
        results = [{"id": str(getattr(one, field)), "text": one.name} for one in pages]
        return JsonResponse({"results": results, "pagination": {"more": pages.has_next()}})

    return answer
