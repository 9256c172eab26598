"""The ledger: what each batch changed by which rule, newest first."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from migrations_ops.admin.links import by_relation, phase_of
from migrations_ops.models import LedgerEntry, PhaseRun, StepRun
from tenants.admin.base import ReadOnly
from tenants.admin.links import Named, one

FIRST_KEYS = 20  # rows of an entry that its page names


def _rows(entry: LedgerEntry) -> list[Named | str]:
    named: list[Named | str] = [("row", (entry.relation, key)) for key in entry.keys[:FIRST_KEYS]]
    more = len(entry.keys) - FIRST_KEYS
    return [*named, f"and {more:,} more"] if more > 0 else named


class _OfRuns(admin.SimpleListFilter):
    """Its values are those of the runs: to find them in the ledger itself reads all of it."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        return queryset.filter(**{str(self.parameter_name): value}) if value else queryset


class ByTable(_OfRuns):
    title, parameter_name = "table", "relation"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        names = StepRun.objects.exclude(relation="").order_by("relation").values_list("relation", flat=True)
        return [(name, name) for name in names.distinct()]


class ByPhase(_OfRuns):
    title, parameter_name = "phase", "phase"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        keys = PhaseRun.objects.order_by("phase").values_list("phase", flat=True)
        return [(key, key) for key in keys.distinct()]


@admin.register(LedgerEntry)
class LedgerAdmin(ReadOnly):
    list_display = ("id", "relation", "rule", "kind", "rows", "phase", "run_id", "written_at", "undone_at")
    list_filter = (ByTable, ByPhase, "kind")
    ordering = ("-id",)
    nothing_yet = "The ledger is empty: 003_platform_data and 004_tenant_data write it. Start a run first."
    exclude = ("hashes", "digest", "transaction", "undone_in")
    links: ClassVar = {
        "relation": one("table", "relation"),
        "rule": by_relation("rule", "rows of rule"),
        "phase": phase_of,
        "run_id": one("run", "run_id"),
        "keys": _rows,
    }
