"""Everybody else's rows: their fingerprints before and after, and whether a restore has written one of them."""

from dataclasses import dataclass
from typing import Any

from migrations_ops.tenant_restore.comparison import Comparison
from migrations_ops.tenant_restore.tables import ask
from vital.db import sql
from vital.db.sql import shown
from vital.errors import EngineError


class WroteOthers(EngineError):
    """{rows} rows of other tenants were written in the restore's own transactions, in {tables}: a trigger of the
    database's own must have done it, as VITAL names this tenant's rows alone. Find the trigger, and undo: ./manage.py
    tenants undo-restore {run}; what the trigger wrote elsewhere is not known to it."""


@dataclass(frozen=True)
class Content:
    """Rows of one tenant in one table: how many, their fingerprint, and how many this restore has written."""

    rows: int
    fingerprint: str
    written: int


Contents = dict[tuple[str, str | None], Content]


def contents(found: Comparison) -> Contents:
    """(table, tenant) → what it has, of every tenant but the restored one, in the tables that are asked for."""
    session, held = found.session, Contents()
    for table in found.tables:
        with session.work():
            hashed = sql.row_hash("t", session.columns(table.relation))
            for owner, *content in ask(
                session, "content_of_others", {"tenant": found.tenant}, hash=hashed, **table.parts
            ):
                held[table.relation, owner] = Content(*content)
    return held


def compared(before: Contents, after: Contents) -> dict[str, Any]:
    """Whether they are the same, how many were compared, and where not."""
    changed = sorted(
        {name for name in before.keys() | after.keys() if _what(before, name) != _what(after, name)}, key=str
    )
    return {
        "same": not changed,
        "tenants": len({owner for _, owner in before.keys() | after.keys()}),
        "rows": sum(content.rows for content in after.values()),
        "changed": [{"table": shown(relation), "tenant": owner} for relation, owner in changed],
    }


def _what(held: Contents, name: tuple[str, str | None]) -> tuple[int, str]:
    content = held.get(name)
    return (content.rows, content.fingerprint) if content else (0, "0")


def refuse_written(after: Contents, run: int) -> None:
    """Raise WroteOthers where a row of another tenant was written in a transaction of the restore's."""
    written = {shown(relation): content.written for (relation, _), content in after.items() if content.written}
    if written:
        raise WroteOthers(rows=f"{sum(written.values()):,}", tables=", ".join(written), run=run)
