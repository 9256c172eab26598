"""Isolation is turned off in one command where an application cannot work with it (`disarm`), and on again (`rearm`).

Off is never off for tenants: their role loses its grants first, and the service answers 503 until it is on again.
What else 006 did (NOT NULL, keys, roles, guards) stays, so that turning it on is quick and its undo as exact as before.
"""

from collections.abc import Callable

from psycopg.types.json import Jsonb

from migrations_ops.engine.session import Session
from migrations_ops.engine.steps import SavedState
from migrations_ops.phases import policies
from migrations_ops.phases.inventory import bound_roles_of
from migrations_ops.phases.row_level_security import KEY, closings
from migrations_ops.rules.model import Plan
from tenants import audit
from vital.db import retry
from vital.errors import EngineError

OPENED = "isolation was turned off by {who}: {reason}. Turn it on again with: ./manage.py migrate_tenants rearm"


class NeverIsolated(EngineError):
    """Isolation was never turned on in this database, so there is nothing to turn off or on again.
    006_row_level_security does, the last phase of `./manage.py migrate_tenants`."""

    exit_code = 2


def closed_tables(session: Session, plan: Plan) -> dict[str, SavedState]:
    """Each table that VITAL closed, with how its row level security was before. Raises NeverIsolated."""
    found: dict[str, SavedState] = {}
    for relation, closing in closings(plan):
        if noted := session.named("applied_saved_state", {"statement": closing.name, "phase": KEY}):
            found[relation] = noted[0][0]
    if not found:
        raise NeverIsolated
    return found


def disarm(session: Session, plan: Plan, who: str, reason: str, waiting: Callable[[str], None]) -> list[str]:
    """Turn isolation off for everyone but tenants and bound roles; returns the tables. Each in one transaction.

    It may be repeated, also after a kill: the record says first that isolation is off, and last of all it is.
    """
    tables, roles = closed_tables(session, plan), bound_roles_of(plan)
    audit.note(session, who, "disarm", reason, {"tables": list(tables)})
    message = OPENED.format(who=who, reason=reason)
    session.named("spoil_phase", {"phase": KEY, "error": Jsonb({"message": message})})
    for relation in tables:
        _carry_out(session, relation, policies.shut_tenants_out(relation), waiting)
    for relation, before in tables.items():
        bound = any(relation in one.tables for one in roles)
        _carry_out(session, relation, policies.as_it_was_before(relation, before, bound=bound), waiting)
    return list(tables)


def _carry_out(session: Session, relation: str, changes: policies.Changes, waiting: Callable[[str], None]) -> None:
    def transaction() -> None:
        with session.work(as_operator=False):
            for change in changes:
                session.execute(change)

    retry.retried(session, (relation,), transaction, waiting)
