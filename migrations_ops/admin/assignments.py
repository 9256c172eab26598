"""Rows of the platform's tables with their tenant and the rule that decided; given to another tenant from here."""

from collections.abc import Iterable
from contextlib import suppress
from typing import Any, ClassVar

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse

from catalog import models as catalog
from migrations_ops.admin import decision_page
from migrations_ops.admin.filters import ByFinding, ByHand, ByRule, ByTenant
from migrations_ops.admin.keyset_pagination import KeysetChangeList, estimate
from migrations_ops.admin.mixins import may_act
from migrations_ops.models import Override
from migrations_ops.reports import service as reports
from migrations_ops.review import service as review
from tenants import registry
from tenants.admin.base import ReadOnly
from tenants.admin.links import Named, one
from tenants.registry import table_of
from vital.errors import EngineError

UNTELLING = ("content_hash",)  # nobody sorts by it
SEARCHED_WHOLE = 20_000  # rows of a table up to which a part of a name is looked for


def asked_by_index(model: type[Model], columns: tuple[str, ...], term: str) -> Q:
    """Rows with this very key, or this value in one of the columns, where it can be one of theirs."""
    wanted = Q(pk__in=[])
    for column in ("pk", *columns):
        field: Any = model._meta.pk if column == "pk" else model._meta.get_field(column)
        with suppress(ValidationError):
            wanted |= Q(**{column: field.to_python(term)})
    return wanted


def _rule(row: Model) -> list[Named | str]:
    rule = getattr(row, "_vital_rule", None)
    return [("rule", (table_of(type(row)), rule))] if rule else []


class AssignedAdmin(ReadOnly):
    """`search_fields` are looked through in small tables; a big one is asked by key and by `indexed` alone."""

    list_display = ("called", "tenant", "rule", "run")
    list_filter = (("tenant", ByTenant), ByRule, ByFinding, ByHand)
    list_select_related = ("tenant",)
    list_per_page = 50
    list_disable_select_all = True
    change_form_outer_before_template = "migrations_ops/why.html"
    indexed: tuple[str, ...] = ()  # columns with an index: they are shown, and can be sorted by
    actions = ("reassign",)
    nothing_yet = "This table has no rows."
    links: ClassVar = {"tenant": one("tenant", "tenant_id"), "rule": _rule, "run": one("run", "_vital_run")}

    @admin.display(description="row")
    def called(self, row: Model) -> str:
        return str(row)[:80] or str(row.pk)

    @admin.display(description="rule", empty_value="-")
    def rule(self, row: Model) -> str | None:
        return getattr(row, "_vital_rule", None)

    @admin.display(description="run", empty_value="-")
    def run(self, row: Model) -> int | None:
        return getattr(row, "_vital_run", None)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return super().has_view_permission(request, obj) and registry.has(self.model)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[KeysetChangeList]:
        return KeysetChangeList

    def prepare(self, rows: Iterable[Any]) -> None:
        """The rules and runs that decided about them: one question to the ledger."""
        shown = list(rows)
        decided = review.last_rules(table_of(self.model), [str(row.pk) for row in shown])
        for row in shown:
            if known := decided.get(str(row.pk)):
                row._vital_rule, row._vital_run = known.rule, known.run

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """By key; by whole values that have an index; in small tables by a part of a name."""
        if not (term := search_term.strip().replace("\0", "")):
            return queryset, False
        wanted = asked_by_index(self.model, self.indexed, term)
        if estimate(self.model._default_manager.all()) <= SEARCHED_WHOLE:
            found, _ = super().get_search_results(request, queryset, term)
            wanted |= Q(pk__in=found.order_by().values("pk"))
        return queryset.filter(wanted), False

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        first, *others = super().get_list_display(request)
        return [first, *self.get_sortable_by(request), *others]

    def get_sortable_by(self, request: HttpRequest) -> tuple[str, ...]:
        plain = (name for name in self.indexed if not self.opts.get_field(name).is_relation)
        return tuple(name for name in plain if name not in UNTELLING)

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> list[Any]:
        """Rule and run are columns of the list; on the row's page the assignment history says more of them."""
        return [one for one in super().get_fields(request, obj) if getattr(one, "name", one) not in ("rule", "run")]

    def require_rows(self) -> None:
        reports.require_tenants(table_of(self.model))

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        self.require_rows()
        return super().changelist_view(request, extra_context)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The row, and above it why it is where it is."""
        self.require_rows()
        why: dict[str, Any] = {"may_decide": may_act(request), "relation": table_of(self.model)}
        try:
            why["row"] = review.explain(table_of(self.model), str(object_id))
        except EngineError as error:
            why["problem"] = str(error)
        decided = Override.objects.filter(relation=table_of(self.model), key=str(object_id)).first()
        return super().changeform_view(request, object_id, form_url, {"why": why | {"override": decided}})

    def has_reassign_permission(self, request: HttpRequest) -> bool:
        return may_act(request)

    @admin.action(description="Assign to another tenant", permissions=["reassign"])
    def reassign(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        chosen = queryset.order_by("pk").values_list("pk", flat=True)[: decision_page.MOST + 1]
        return decision_page.page(self, request, [(table_of(self.model), str(key)) for key in chosen], "reassign")


# model → (looked through while the table is small, asked at any size)
PAGES: dict[type[Model], tuple[tuple[str, ...], tuple[str, ...]]] = {
    catalog.Tool: (("name", "tool_key"), ("tool_key",)),
    catalog.Agent: (("name", "display_name"), ()),
    catalog.Prompt: (("name", "display_name"), ("name",)),
    catalog.KnowledgeDomain: (("name", "code", "slug"), ("code", "slug")),
    catalog.KnowledgeSource: (("title",), ()),
    catalog.KnowledgeChunk: (("content",), ("pinecone_id", "content_hash", "source")),
    catalog.PlatformUser: (("email", "full_name"), ("email",)),
    catalog.Conversation: (("title",), ("user",)),
}
for model, (small, always) in PAGES.items():
    hint = " or ".join(("key", *(always or small)))
    words = {"search_fields": small, "indexed": always, "search_help_text": hint}
    admin.site.register(model, type(f"{model.__name__}Admin", (AssignedAdmin,), words))
