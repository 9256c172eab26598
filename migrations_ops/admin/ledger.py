"""The ledger: what each batch changed by which rule, newest first."""

from typing import ClassVar

from django.contrib import admin

from migrations_ops.admin.links import by_relation, phase_of
from migrations_ops.models import LedgerEntry
from tenants.admin.base import ReadOnly
from tenants.admin.links import Named, one

FIRST_KEYS = 20  # rows of an entry that its page names


def _rows(entry: LedgerEntry) -> list[Named | str]:
    named: list[Named | str] = [("row", (entry.relation, key)) for key in entry.keys[:FIRST_KEYS]]
    more = len(entry.keys) - FIRST_KEYS
    return [*named, f"and {more:,} more"] if more > 0 else named


@admin.register(LedgerEntry)
class LedgerAdmin(ReadOnly):
    list_display = ("id", "relation", "rule", "kind", "rows", "phase", "run_id", "written_at", "undone_at")
    list_filter = ("relation", "phase", "kind")
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
