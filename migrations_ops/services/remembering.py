"""The ledger's size, its retention, and a deleted person's key."""

from typing import Any

from migrations_ops.life import memory
from migrations_ops.services.database import NotSetUp, current_plan, me, open_session


def ledger_size() -> dict[str, Any]:
    """See `memory.size`. Only reads."""
    with open_session(read_only=True) as session:
        if not session.named("is_set_up")[0][0]:
            raise NotSetUp
        return memory.size(session)


def purge_ledger(days: int, reason: str, *, dry_run: bool, who: str = "") -> dict[str, Any]:
    """See `memory.purge`. Waits for no run: an undo that goes on asks for entries that stand."""
    with open_session() as session, session.run_lock():
        if not session.named("is_set_up")[0][0]:
            raise NotSetUp
        return memory.purge(session, days, who or me(), reason, dry_run=dry_run)


def forget_key(table: str, key: str, reason: str, *, who: str = "") -> dict[str, Any]:
    """See `memory.forget`."""
    plan = current_plan()
    with open_session() as session, session.run_lock():
        if not session.named("is_set_up")[0][0]:
            raise NotSetUp
        return memory.forget(session, plan, table, key, who or me(), reason)
