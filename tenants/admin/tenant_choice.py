"""Tenants are chosen by their names: a field that looks them up while one types, however many there are."""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Q
from django.forms import Widget
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, path

from tenants.admin.base import AutocompleteField, ManyAutocompleteField, ModelAdmin
from tenants.models import TenantRecord

AT_ONCE = 20
FORMS = {"id": "pk", "slug": "slug"}  # what stands for a tenant in a form → its field


def _words(by: str, words: dict[str, Any]) -> dict[str, Any]:
    found = {"queryset": TenantRecord.objects.order_by("name"), "to_field_name": FORMS[by], "label": "Tenant"}
    return {"url_path": f"admin:tenants_membership_choices_{by}", **found, **words}


class _Searched:
    def widget_attrs(self, widget: Widget) -> dict[str, Any]:
        found: dict[str, Any] = super().widget_attrs(widget)  # type: ignore[misc]
        return found | {"data-placeholder": "Search by name or slug"}


class TenantChoice(_Searched, AutocompleteField):
    def __init__(self, by: str = "id", **words: Any) -> None:
        super().__init__(**_words(by, words))


class TenantChoices(_Searched, ManyAutocompleteField):
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
