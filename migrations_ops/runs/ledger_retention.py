"""The ledger kept small, and rid of a person's key: never of what an undo still needs."""

from typing import Any

from migrations_ops.engine.session import Session
from migrations_ops.rules.model import Plan
from migrations_ops.rules.plan_tables import named
from migrations_ops.runs.queries import ask
from tenants import audit
from vital.db import sql
from vital.db.sql import shown
from vital.errors import EngineError, require_reason

AT_ONCE = 500  # entries in one transaction


class StillThere(EngineError):
    """{table} {key} is still there, and an undo may need what is remembered of it. Delete the row first; nothing was
    changed."""

    exit_code = 2


def size(session: Session) -> dict[str, Any]:
    """Bytes on disk, and by table: entries, rows, undone entries, the oldest."""
    names = ("table", "entries", "rows", "undone", "oldest")
    with session.work():
        tables = [dict(zip(names, row, strict=True)) for row in ask(session, "ledger_by_table")]
        ((taken,),) = ask(session, "ledger_bytes")
    return {"bytes": taken, "tables": [one | {"table": shown(one["table"])} for one in tables]}


def purge(session: Session, days: int, who: str, reason: str, *, dry_run: bool) -> dict[str, Any]:
    """Delete the entries that were undone longer ago than that; entries that stand are kept.

    Raises ReasonRequired.
    """
    with session.work():
        ((entries, rows),) = ask(session, "undone_before", {"days": days})
    document = {"entries": entries, "rows": rows, "days": days, "dry_run": dry_run}
    if dry_run or not entries:
        return document
    reason = require_reason(reason, "What the ledger forgets")
    with session.work():
        audit.note(session, who, "purge ledger", reason, document)
    while True:
        with session.work():
            if not ask(session, "purge_undone", {"days": days, "entries": AT_ONCE}):
                return document


def forget(session: Session, plan: Plan, table: str, key: str, who: str, reason: str) -> dict[str, Any]:
    """Take a deleted row's key out of ledger, decisions and findings, in one transaction; the audit says that
    it was done, not which key. Raises StillThere, ReasonRequired."""
    reason = require_reason(reason, "What the ledger forgets")
    spec = named(plan, table)
    where = {"relation": spec.relation, "key": key}
    with session.work():
        parts = {"relation": sql.relation(spec.relation), "key": sql.key_text("t", spec.table.key)}
        if ask(session, "is_there_by_key", {"key": key}, **parts)[0][0]:
            raise StillThere(table=shown(spec.relation), key=key)
        entries = [entry for (entry,) in ask(session, "entries_of_key", where)]
        for entry in entries:
            ask(session, "forget_key", {"id": entry, "key": key})
        ((restored,),) = ask(session, "forget_restored", where)
        ((decisions, findings),) = ask(session, "forget_elsewhere", where)
        document = {"entries": len(entries) + restored, "decisions": decisions, "findings": findings}
        audit.note(session, who, "forget key", reason, {"table": spec.relation} | document)
    return {"table": shown(spec.relation)} | document
