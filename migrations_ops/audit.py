"""What people did. Nobody changes it afterwards: the table refuses."""

from pathlib import Path
from typing import Any

from django.db import connection
from psycopg.types.json import Jsonb

from migrations_ops.engine import sql
from migrations_ops.engine.session import Session

QUERIES = sql.load(Path(__file__).parent / "sql")


def note(session: Session, who: str, action: str, reason: str, facts: dict[str, Any]) -> None:
    params = {"who": who, "action": action, "reason": reason, "facts": Jsonb(facts)}
    session.execute(sql.compose(QUERIES["note_audit"]), params)


def record(who: str, action: str, reason: str, facts: dict[str, Any]) -> None:
    """The same on Django's connection, in its transaction: for what the admin and commands of access change."""
    params: dict[str, Any] = {"who": who, "action": action, "reason": reason, "facts": Jsonb(facts)}
    with connection.cursor() as cursor:
        cursor.execute(QUERIES["note_audit"], params)


def latest(session: Session) -> list[dict[str, Any]]:
    """The last few events, newest first."""
    rows = session.execute(sql.compose(QUERIES["latest_audit"]))
    return [{"at": at.isoformat(), "who": who, "action": action, "reason": why} for at, who, action, why in rows]
