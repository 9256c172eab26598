"""What the service asks before it serves anything: has the migration turned isolation on?"""

from functools import cache
from pathlib import Path

from django.conf import settings
from django.db import connection

from migrations_ops.phases.row_level_security import KEY as CLOSES
from migrations_ops.plan import phases
from migrations_ops.rules.load import load
from tenants.identity import Isolation
from vital.db import sql

QUERIES = sql.load(Path(__file__).parent / "sql")
Record = tuple[str, str]  # a status, and the error's message


@cache
def _keys() -> tuple[str, ...]:
    return tuple(phase.key for phase in phases(load(settings.PLAN)))


def isolation() -> Isolation:
    """On, or off with the phase that comes next, and why where the last phase's record says so.

    A closing phase that runs again leaves it on; one whose undo was begun does not.
    """
    records = _records()
    statuses = [status for status, _ in records.get(CLOSES, [])]
    if statuses[:1] == ["completed"] or statuses[:2] == ["started", "completed"]:
        return Isolation()
    following = next((key for key in _keys() if records.get(key, [("", "")])[0][0] != "completed"), CLOSES)
    return Isolation(following, records[CLOSES][0][1] if statuses[:1] == ["failed"] else "")


def _records() -> dict[str, list[Record]]:
    """Phase → its records, the latest first."""
    with connection.cursor() as cursor:
        cursor.execute(QUERIES["is_there"])
        if cursor.fetchone() != (True,):
            return {}
        cursor.execute(QUERIES["latest_records"])
        found: dict[str, list[Record]] = {}
        for phase, status, message in cursor.fetchall():
            found.setdefault(phase, []).append((status, message))
    return found
