"""Filters of the assignments: by rule, by finding, by a person's decision."""

from collections.abc import Iterator
from typing import Any

from django.contrib.admin import AllValuesFieldListFilter, RelatedFieldListFilter, SimpleListFilter
from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import Case, Exists, Model, OuterRef, Q, QuerySet, UUIDField, When
from django.db.models.functions import Cast
from django.http import HttpRequest
from django.urls import reverse

from migrations_ops.admin.links import model_of
from migrations_ops.models import Finding, Override
from migrations_ops.review import service as review
from tenants.identity import tenant_id
from tenants.models import TenantRecord
from tenants.registry import table_of

TENANTS = 20  # that a list's filter shows


class ByTenant(RelatedFieldListFilter):
    """The first tenants by name, and the one that is chosen: few links, however many tenants there are. The rows of any
    other are links on its page."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> Any:
        every = TenantRecord.objects.order_by("name", "pk").values_list("pk", "name")
        shown = list(every[: TENANTS + 1])
        self.more = len(shown) > TENANTS
        chosen = tenant_id(str(request.GET.get(self.lookup_kwarg, "")))
        if chosen and chosen not in {str(pk) for pk, _ in shown[:TENANTS]}:
            return [*every.filter(pk=chosen), *shown[:TENANTS]]
        return shown[:TENANTS]

    def choices(self, changelist: Any) -> Iterator[Any]:
        yield from super().choices(changelist)
        if self.more:
            page = reverse("admin:tenants_tenantrecord_changelist")
            yield {"selected": False, "query_string": page, "display": "Others: on the tenant's page"}


class ByRule(SimpleListFilter):
    """Pages are read out of the ledger, the newest decision first: it knows rows by rule, the table does not. Beside
    other filters a page may show fewer rows than it read."""

    title, parameter_name = "rule", "rule"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        self.relation = table_of(model_admin.model)
        self.sizes = dict(review.rules_at_work(self.relation))
        return [(rule, f"{rule} ({rows:,})") for rule, rows in self.sizes.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset

    def estimate(self) -> int:
        return self.sizes.get(self.value() or "", 0)

    def rows_at(self, queryset: QuerySet[Any], at: str, rows: int, back: bool) -> list[tuple[str, Model | None]]:
        """(place in the ledger, the row, None where it is gone or another filter leaves it out)."""
        try:
            entry, number = map(int, at.split(".")) if at else (0, 0)
        except ValueError as error:
            raise IncorrectLookupParameters(at) from error
        place = review.InLedger(entry, number) if at else None
        found = review.rows_of_rule(self.relation, self.value() or "", place, rows, back=back)
        by_key = {str(row.pk): row for row in queryset.filter(pk__in=[one.key for one in found])}
        return [(f"{one.entry}.{one.number}", by_key.get(one.key)) for one in found]


class ByFinding(SimpleListFilter):
    title, parameter_name = "check", "finding"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        found = Finding.objects.filter(relation=table_of(model_admin.model)).exclude(key="")
        return [(name, name) for name in found.order_by("check_name").values_list("check_name", flat=True).distinct()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not (check := self.value()):
            return queryset
        found = Finding.objects.filter(relation=table_of(queryset.model), check_name=check).exclude(key="")
        return queryset.filter(pk__in=found.values(row=Cast("key", UUIDField())))


class OfTenant(SimpleListFilter):
    """Findings about rows that are this tenant's now. Its page leads here; other tenants are not offered."""

    title, parameter_name = "tenant", "tenant"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        if (asked := request.GET.get(self.parameter_name)) is None:
            return []
        id = tenant_id(asked)
        tenant = TenantRecord.objects.filter(pk=id).first() if id else None
        if tenant is None:
            raise IncorrectLookupParameters(asked)
        self.tenant = tenant
        return [(asked, tenant.name)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() is None:
            return queryset
        relations = queryset.exclude(key="").values_list("relation", flat=True).order_by().distinct()
        models = {relation: model for relation in relations if (model := model_of(relation))}
        # Row by row, by its key, which is one only beside its own table: CASE asks that first.
        key = Case(When(~Q(key=""), relation__in=[*models], then=Cast("key", UUIDField())))
        theirs = Q(pk__in=[])
        for relation, model in models.items():
            rows = model._default_manager.filter(pk=OuterRef("row"), tenant=self.tenant.pk)
            theirs |= Q(Exists(rows), relation=relation)
        found: QuerySet[Any] = queryset.alias(row=key).filter(theirs)
        return found


class ByDecider(AllValuesFieldListFilter):
    """Whoever has decided something."""

    def __init__(self, *args: Any, **words: Any) -> None:
        super().__init__(*args, **words)
        self.title = "person"


class ByHand(SimpleListFilter):
    title, parameter_name = "decision", "by"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("person", "Decided by a person")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() != "person":
            return queryset
        decided = Override.objects.filter(relation=table_of(queryset.model))
        return queryset.filter(pk__in=decided.values(row=Cast("key", UUIDField())))
