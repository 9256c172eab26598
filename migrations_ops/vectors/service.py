"""The door to vectors: what approximate indexes give tenants behind isolation. Measuring only reads."""

from dataclasses import dataclass, field
from typing import Any

import psycopg

from migrations_ops.engine.session import Session
from migrations_ops.phase_state import open_session
from migrations_ops.phases.inventory import inventory_of
from migrations_ops.rules.current import current_plan
from migrations_ops.rules.model import Plan
from migrations_ops.vectors import catalogue, records
from migrations_ops.vectors.measure import Asking, Measured, Say, measured
from tenants.inventory import every_tenant
from tenants.isolation.comparison import standing
from vital.errors import EngineError

__all__ = ["Asking", "NotIsolated", "measure"]


class NotIsolated(EngineError):
    """Isolation is off, so that every tenant is given the rows of all: there is no recall to measure. Turn it on with
    ./manage.py migrate_tenants, and ask again."""

    exit_code = 2


@dataclass(frozen=True)
class Found:
    """What was looked at in the database."""

    extension: catalogue.Extension | None
    indexes: list[catalogue.VectorIndex] = field(default_factory=list)
    without_index: list[dict[str, Any]] = field(default_factory=list)


def measure(asking: Asking, wanted: float, say: Say) -> dict[str, Any]:
    """Every approximate index on a table of the plan with the recall of its tenants; the summary is remembered.

    Raises NotIsolated.
    """
    with open_session(read_only=True) as session:
        plan = current_plan(session)
        found = _look(session, plan)
        results = _measured(session, plan, found, asking, say)
    document = _document(found, results, wanted)
    if results:
        _remember(document)
    return document


def _look(session: Session, plan: Plan) -> Found:
    extension = catalogue.extension(session)
    if extension is None:
        return Found(None)
    return Found(extension, catalogue.indexes(session, plan), list(catalogue.without_index(session, plan)))


def _measured(session: Session, plan: Plan, found: Found, asking: Asking, say: Say) -> list[Measured]:
    wanted = [index for index in found.indexes if index.is_measurable]
    if not wanted:
        return []
    if standing(session.execute, inventory_of(plan)).is_off:
        raise NotIsolated
    with session.work():
        names = dict(every_tenant(session, plan.registry))
    return [measured(session, index, names, asking, say) for index in wanted]


def _document(found: Found, results: list[Measured], wanted: float) -> dict[str, Any]:
    known = {one.index: one for one in results}
    indexes = [index.document() | _of_tenants(known.get(index), wanted) for index in found.indexes]
    return {
        "pgvector": found.extension.version if found.extension else None,
        "settings": found.extension.settings if found.extension else {},
        "wanted": wanted,
        "indexes": indexes,
        "without_index": found.without_index,
        "below": sum(one.get("below", 0) for one in indexes),
    }


def _of_tenants(result: Measured | None, wanted: float) -> dict[str, Any]:
    if result is None:
        return {}
    return {
        "tenants": [one.document() for one in result.recalls],
        "left_out": result.left_out,
        "below": len(result.below(wanted)),
    }


def _remember(document: dict[str, Any]) -> None:
    """Where this login may write it down."""
    try:
        with open_session() as session:
            session.read_as_operator()
            records.note(session, document)
    except psycopg.errors.InsufficientPrivilege:
        document["not_remembered"] = "this login may not write to vital.audit"
