"""What the service asks before it serves anything: has the migration closed the fence?"""

from functools import cache
from pathlib import Path

from django.conf import settings
from django.db import connection

from migrations_ops.engine import sql
from migrations_ops.phases.row_level_security import KEY as CLOSES
from migrations_ops.plan import phases
from migrations_ops.rules.load import load

QUERIES = sql.load(Path(__file__).parent / "sql")


@cache
def _keys() -> tuple[str, ...]:
    return tuple(phase.key for phase in phases(load(settings.PLAN)))


def next_phase() -> str | None:
    """The phase that comes next while the fence is open; None once it is closed.

    A closing phase that runs again leaves the fence closed; one whose undo was begun does not.
    """
    records = _records()
    closing = records.get(CLOSES, [])
    if closing[:1] == ["completed"] or closing[:2] == ["started", "completed"]:
        return None
    return next((key for key in _keys() if records.get(key, [""])[0] != "completed"), CLOSES)


def _records() -> dict[str, list[str]]:
    """Phase → its statuses, the latest first."""
    with connection.cursor() as cursor:
        cursor.execute(QUERIES["is_there"])
        if cursor.fetchone() != (True,):
            return {}
        cursor.execute(QUERIES["latest_records"])
        found: dict[str, list[str]] = {}
        for phase, status in cursor.fetchall():
            found.setdefault(phase, []).append(status)
    return found
