"""What the control room shows. Nothing here writes."""

from typing import Any

from django.utils import timezone

from migrations_ops.services.database import current_plan, open_session
from migrations_ops.survey import overview as figures
from migrations_ops.survey import references
from migrations_ops.survey.rows import InLedger as Place
from migrations_ops.survey.rows import has_tenants, last_rules, rows_of_rule, rules_at_work
from tenants.memory import Memory

__all__ = ["Place", "crossing", "has_tenants", "last_rules", "overview", "rows_of_rule", "rules_at_work"]
_now: Memory[dict[str, Any]] = Memory(1, seconds=3)
_ownership: Memory[dict[str, Any]] = Memory(1, seconds=60)


def overview() -> dict[str, Any]:
    """The dashboard: see `survey.overview`. Remembered for 3 seconds, who owns how much for a minute; `at` says since
    when."""
    plan = current_plan()
    now = _now.recall("now", lambda: figures.overview(plan) | {"at": timezone.now()})
    owned = _ownership.recall("owned", lambda: figures.ownership(plan) | {"at": timezone.now()})
    return now | {"ownership": owned}


def crossing(rows: list[tuple[str, str]], tenant: str) -> int:
    """How many of these rows (table, key) would refer across two customers, were they this tenant's; see
    `survey.references`."""
    by_table: dict[str, list[str]] = {}
    for table, key in rows:
        by_table.setdefault(table, []).append(key)
    plan = current_plan()
    with open_session(read_only=True) as session:
        return sum(references.crossing(session, plan, table, keys, tenant) for table, keys in by_table.items())
