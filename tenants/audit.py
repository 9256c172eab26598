"""What people did. Nobody changes it afterwards: the table refuses."""

from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import connection
from psycopg.types.json import Jsonb

from vital.db import sql
from vital.db.session import Session

QUERIES = sql.load(Path(__file__).parent / "sql")


def note(session: Session, who: str, action: str, reason: str, facts: dict[str, Any]) -> None:
    params = {"who": who, "action": action, "reason": reason, "facts": Jsonb(facts)}
    session.execute(sql.compose(QUERIES["note_audit"]), params)


def record(who: str, action: str, reason: str, facts: dict[str, Any]) -> None:
    """The same on Django's connection, in its transaction: for what the admin and commands of access change."""
    params: dict[str, Any] = {"who": who, "action": action, "reason": reason, "facts": Jsonb(facts)}
    with connection.cursor() as cursor:
        cursor.execute(QUERIES["note_audit"], params)


def last_backup_from_before(session: Session) -> tuple[datetime, dict[str, Any]] | None:
    """(when, facts) of the last backup of the database as it was before a migration."""
    found = session.execute(sql.compose(QUERIES["last_backup_from_before"]))
    return (found[0][0], found[0][1]) if found else None


def latest(session: Session) -> list[dict[str, Any]]:
    """The last few events, newest first."""
    rows = session.execute(sql.compose(QUERIES["latest_audit"]))
    return [{"at": at.isoformat(), "who": who, "action": action, "reason": why} for at, who, action, why in rows]
