"""What the service asks before it serves anything: has the migration turned isolation on?"""

from pathlib import Path

from migrations_ops.phases.row_level_security import KEY as CLOSES
from migrations_ops.plan import TITLES
from tenants.identity import Isolation
from vital.db import django_rows, session, sql

QUERIES = sql.load(Path(__file__).parent / "sql")
Record = tuple[str, str]  # a status, and the error's message


def isolation() -> Isolation:
    """On, or off with the phase that comes next, and why where the last phase's record says so.

    006 leaves it on while it runs again; not once its undo was begun.
    """
    records = _records()
    statuses = [status for status, _ in records.get(CLOSES, [])]
    if statuses[:1] == ["completed"] or statuses[:2] == ["started", "completed"]:
        return Isolation()
    following = next((key for key in TITLES if records.get(key, [("", "")])[0][0] != "completed"), CLOSES)
    return Isolation(following, records[CLOSES][0][1] if statuses[:1] == ["failed"] else "")


def _records() -> dict[str, list[Record]]:
    """Phase → its records, the latest first."""
    found: dict[str, list[Record]] = {}
    if django_rows.ask(session.QUERIES, "is_set_up")[0][0]:
        for phase, status, message in django_rows.ask(QUERIES, "latest_records"):
            found.setdefault(phase, []).append((status, message))
    return found
