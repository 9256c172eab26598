"""What the control room shows. Nothing here writes."""

from typing import Any

import psycopg
from django.db import DatabaseError, transaction
from django.utils import timezone

from migrations_ops.rules.model import Plan
from migrations_ops.services.database import current_plan, open_session
from migrations_ops.survey import overview as figures
from migrations_ops.survey import references
from migrations_ops.survey.rows import InLedger as Place
from migrations_ops.survey.rows import last_rules, require_tenants, rows_of_rule, rules_at_work
from tenants.memory import Memory

Document = dict[str, Any]
__all__ = ["Place", "crossing", "last_rules", "overview", "require_tenants", "rows_of_rule", "rules_at_work"]
_now: Memory[Document] = Memory(1, seconds=3)
_ownership: Memory[Document] = Memory(1, seconds=60)


def overview() -> Document:
    """The dashboard: see `survey.overview`. Remembered for 3 seconds, who owns how much for a minute, neither beyond a
    change that VITAL has made; `at` says since when."""
    plan, state = current_plan(), figures.last_change()
    now = _now.recall(state, lambda: figures.overview(plan) | {"at": timezone.now()})
    owned = _ownership.recall(state, lambda: _owned(plan) | {"at": timezone.now()})
    return now | {"ownership": owned}


def _owned(plan: Plan) -> Document:
    """Where the platform's tables cannot be read, as by the service's login while isolation is off, everything else is
    shown all the same."""
    try:
        with transaction.atomic():
            return figures.ownership(plan)
    except DatabaseError as error:
        if not isinstance(error.__cause__, psycopg.errors.InsufficientPrivilege):
            raise
        return {"tenants": {}, "tables": [], "problem": error.__cause__.diag.message_primary}


def crossing(rows: list[tuple[str, str]], tenant: str) -> int:
    """How many of these rows (table, key) would refer across two customers, were they this tenant's; see
    `survey.references`."""
    by_table: dict[str, list[str]] = {}
    for table, key in rows:
        by_table.setdefault(table, []).append(key)
    plan = current_plan()
    with open_session(read_only=True) as session:
        return sum(references.crossing(session, plan, table, keys, tenant) for table, keys in by_table.items())
