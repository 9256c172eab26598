"""The admin of a tenant's staff: a site of its own, whose pages run under row level security as that tenant.

What is registered here is shown to them, and nothing else: no page of the Platform's admin is part of this site.
"""

import time
from typing import TYPE_CHECKING, Any, cast

from django.contrib import admin
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse
from django.views.decorators.http import require_POST

from tenants import registry
from tenants.admin.base import ReadOnly
from tenants.admin.permissions import CHOSEN, OWN
from tenants.identity import TenantInfo, TenantRequest
from vital.control_room import SearchResult, pages, results_page, term_of

if TYPE_CHECKING:  # unfold has no types of its own
    from django.contrib.admin import AdminSite
else:
    from unfold.sites import UnfoldAdminSite as AdminSite

PAGES = (
    "index",
    "login",
    "logout",
    "password_change",
    "password_change_done",
    "jsi18n",
    "app_list",
    "search",
    "switch",
)
OWN_ROWS, SHARED = "own", "Platform, shared"
MOST_FOUND = 5  # rows of a list that the search shows
MOST = 10_000  # rows that are counted; of more it is said that they are more


def tenant_of(request: HttpRequest) -> TenantInfo | None:
    """The tenant that this page is shown to."""
    return cast(TenantRequest, request).acting_tenant


class OwnSite(AdminSite):
    """A few pages of Django's, the lists of what is registered, and the choice among several tenants."""

    settings_name = "UNFOLD_OWN"
    index_title = "Your tenant"
    index_template = "tenants/own.html"

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Without autocompletion and redirects, which read what is not a tenant's."""
        kept = [page for page in super().get_urls() if isinstance(page, URLResolver) or page.name in PAGES]
        return [path("switch/", self.admin_view(require_POST(self.switch)), name="switch"), *kept]

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        return super().each_context(request) | {"person": cast(TenantRequest, request).person}

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        tenant = tenant_of(request)
        assert tenant is not None  # the middleware lets nobody in without
        tables = [page.figures(request, tenant) for page in self._registry.values() if isinstance(page, OwnRows)]
        features = [(name.replace("_", " "), tenant.feature(name)) for name in tenant.features()]
        facts = {"tenant": tenant, "tables": tables, "features": features}
        return super().index(request, facts | {"title": tenant.name} | (extra_context or {}))

    def search(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Pages, and rows as this tenant sees them; nothing that was found is kept, past a change of tenant."""
        began = time.monotonic()
        if not (term := term_of(request)):
            return HttpResponse()
        results = pages(navigation(request), term)
        for model, page in self._registry.items():
            if not (isinstance(page, OwnRows) and page.in_search):
                continue
            address = f"{OWN}:{model._meta.app_label}_{model._meta.model_name}_change"
            results += [
                SearchResult(str(row)[:80], str(page.opts.verbose_name), reverse(address, args=[row.pk]), "data_object")
                for row in page.found(request, term, MOST_FOUND)
            ]
        return results_page(request, results, began)

    def switch(self, request: HttpRequest) -> HttpResponse:
        """See another of one's own tenants from now on; one that is not is passed over."""
        person = cast(TenantRequest, request).person
        wanted = request.POST.get("tenant", "")
        if person and wanted in {facts.id for facts in person.tenants}:
            request.session[CHOSEN] = wanted
        return HttpResponseRedirect(reverse(f"{OWN}:index"))

    def refused(self, request: HttpRequest) -> TemplateResponse:
        """Why a page is not shown, and where to go instead."""
        context = self.each_context(request) | {"title": "No access", "refusal": cast(TenantRequest, request).refusal}
        request.current_app = self.name  # templates find their links by it
        return TemplateResponse(request, "tenants/refused.html", context, status=403)

    def be_ready(self) -> None:
        """Django's names of the models are remembered by the process: they cannot be read under row level security."""
        ContentType.objects.get_for_models(*self._registry)


site = OwnSite(name=OWN)


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """The sidebar: the first page, and the lists of this tenant's rows."""
    if tenant_of(request) is None:
        return []
    pages = [page for page in site._registry.values() if isinstance(page, OwnRows)]
    lists = [{"title": str(page.opts.verbose_name_plural).capitalize(), "link": page.address()} for page in pages]
    return [{"items": [{"title": "Overview", "link": reverse(f"{OWN}:index")}, *lists]}]


class Whose(admin.SimpleListFilter):
    """Own rows, or the Platform's, which are shared."""

    title = "owner"
    parameter_name = "whose"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("own", OWN_ROWS), ("shared", SHARED)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        tenant = tenant_of(request)
        if tenant is None or self.value() not in ("own", "shared"):
            return queryset
        own = {"tenant_id": tenant.id}
        return queryset.filter(**own) if self.value() == "own" else queryset.exclude(**own)


class OwnRows(ReadOnly):
    """Rows of a table as a tenant sees them. The database decides which these are; nothing here filters by tenant."""

    in_search = True  # whether the search looks through them as well

    limit = ""  # the tenant's limit that its own rows count against
    actions = None
    nothing_yet = "There are no rows here yet. Your applications add them."
    list_per_page = 50
    list_max_show_all = 0

    def get_urls(self) -> list[URLPattern]:
        """The list and the row: history and the like are kept in tables that are not a tenant's."""
        return [page for page in super().get_urls() if str(page.name).endswith(("_changelist", "_change", "_export"))]

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return tenant_of(request) is not None and registry.has(self.model)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    @admin.display(description="owner")
    def whose(self, row: Any) -> str:
        return SHARED if str(row.tenant_id) == registry.known().platform_id else OWN_ROWS

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        return [*super().get_list_display(request), "whose"]

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        return [Whose, *super().get_list_filter(request)]

    def get_exclude(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        return ["tenant", *(super().get_exclude(request, obj) or ())]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).order_by("pk")

    def address(self) -> str:
        return reverse(f"{OWN}:{self.opts.app_label}_{self.opts.model_name}_changelist")

    def found(self, request: HttpRequest, term: str, most: int) -> list[Model]:
        """The first rows with the term, own ones before those that are shared."""
        rows, _ = self.get_search_results(request, self.get_queryset(request), term)
        tenant = tenant_of(request)
        own_rows = list(rows.filter(tenant_id=tenant.id)[:most]) if tenant else []
        return [*own_rows, *rows.exclude(pk__in=[row.pk for row in own_rows])[: most - len(own_rows)]]

    def figures(self, request: HttpRequest, tenant: TenantInfo) -> dict[str, Any]:
        """How many rows are the tenant's own, how many are shared with it, and how many it may have (empty: any)."""
        rows = self.model._default_manager.all()
        most = tenant.limit(self.limit) if self.limit else -1
        return {
            "name": self.opts.verbose_name_plural,
            "address": self.address(),
            "own": _count(rows.filter(tenant_id=tenant.id)),
            "shared": _count(rows.exclude(tenant_id=tenant.id)),
            "limit": f"{most:,}" if most >= 0 else "",
        }


def _count(rows: QuerySet[Any]) -> str:
    """How many rows, in words that are quick to find also where they are millions."""
    found = rows.order_by()[: MOST + 1].count()
    return f"{found:,}" if found <= MOST else f"more than {MOST:,}"
