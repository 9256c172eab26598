"""What approximate indexes give tenants behind isolation, and what gives them more.

Measuring and proposing only read; the summary of what was measured is remembered.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg

from migrations_ops.engine.session import Session
from migrations_ops.phase_state import make_ready, open_session
from migrations_ops.phases.inventory import inventory_of
from migrations_ops.rules.current import current_plan
from migrations_ops.rules.model import Plan
from migrations_ops.vectors import build, catalogue, changes, records
from migrations_ops.vectors.measure import Asking, Measured, Say, measured
from migrations_ops.vectors.proposals import SIZE, Proposal, proposals, settings
from tenants.inventory import every_tenant
from tenants.isolation.comparison import standing
from vital.errors import EngineError


class NotIsolated(EngineError):
    """Isolation is off, so that every tenant is given the rows of all: there is no recall to measure. Turn it on with
    ./manage.py migrate_tenants, and ask again."""

    exit_code = 2


@dataclass(frozen=True)
class Found:
    """What was looked at in the database, with what was measured."""

    plan: Plan
    extension: catalogue.Extension | None
    indexes: list[catalogue.VectorIndex] = field(default_factory=list)
    without_index: list[dict[str, Any]] = field(default_factory=list)
    results: list[Measured] = field(default_factory=list)

    def documents(self, wanted: float) -> list[dict[str, Any]]:
        known = {one.index.full_name: one for one in self.results}
        return [one.document() | _of_tenants(known.get(one.full_name), wanted) for one in self.indexes]


def measure(
    asking: Asking, wanted: float, say: Say, *, builds: bool = False, partial: Sequence[str] = ()
) -> dict[str, Any]:
    """Every approximate index on a table of the plan with the recall of its tenants, and what is proposed; where told,
    it is built, measured, and kept where it helps. `partial` names tenants that are to have indexes of their own.

    Raises NotIsolated, UnknownTenants.
    """
    with open_session(read_only=True) as session:
        found = _look(session, asking, say)
        build.refuse_unknown(found.results, partial)
        offered: list[Proposal] = []
        if found.extension and found.results:
            offered = proposals(session, found.plan, found.extension, found.results, wanted, asking, say)
        document = _document(found, offered, wanted)
    if builds and (offered or partial):
        document |= _built(found, offered, wanted, asking, say, partial)
    if found.results:
        _remember(document)
    return document


def undo(waiting: Callable[[str], None]) -> list[str]:
    """Withdraw what was built, the latest first; returns what it was."""
    with open_session() as session, session.run_lock():
        if not session.named("is_set_up")[0][0]:
            return []
        if undone := changes.withdraw_all(session, waiting):
            records.note_change(session, "withdrawn", undone)
        return undone


def _look(session: Session, asking: Asking, say: Say) -> Found:
    plan = current_plan(session)
    extension = catalogue.extension(session)
    if extension is None:
        return Found(plan, None)
    indexes, without = catalogue.indexes(session, plan), list(catalogue.without_index(session, plan))
    return Found(plan, extension, indexes, without, _measured(session, plan, indexes, asking, say))


def _measured(
    session: Session, plan: Plan, indexes: Sequence[catalogue.VectorIndex], asking: Asking, say: Say
) -> list[Measured]:
    wanted = [index for index in indexes if index.is_measurable]
    if not wanted:
        return []
    if standing(session.execute, inventory_of(plan)).is_off:
        raise NotIsolated
    with session.work():
        names = dict(every_tenant(session, plan.registry))
    return [measured(session, index, names, asking, say) for index in wanted]


def _built(
    found: Found, offered: list[Proposal], wanted: float, asking: Asking, say: Say, partial: Sequence[str]
) -> dict[str, Any]:
    """What was built, and what it has come to. Settings of a database are those of sessions that begin later."""
    with open_session() as session, session.run_lock():
        make_ready(session)
        known = catalogue.extension(session)  # its library must be loaded, or an owner may not set what is its
        assert known is not None
        sizes = [one for one in offered if one.kind == SIZE]
        for one in sizes:
            build.apply(session, one, say)
        if sizes:  # small tenants need less of a scan now, or none
            best = settings(session, known, found.results, wanted, asking, say)
            offered = [*sizes, *([best] if best else [])]
        for one in offered:
            if one.kind != SIZE:
                build.apply(session, one, say)
    with open_session(read_only=True) as session:
        after = _look(session, asking, say)
    with open_session() as session, session.run_lock():
        catalogue.extension(session)
        withdrawn = build.judged(session, offered, found.results, after.results, say)
        offered += build.partial(session, after.results, partial, wanted, asking, say)
        shown = [one.document() for one in offered]
        kept = [one for one in offered if one.outcome.startswith("kept")]
        records.note_change(session, "built", [statement.name for one in kept for statement in one.statements])
    if withdrawn or partial:
        with open_session(read_only=True) as session:
            after = _look(session, asking, say)
    indexes = after.documents(wanted)
    in_force = after.extension.settings if after.extension else {}
    below = sum(one.get("below", 0) for one in indexes)
    return {"proposals": shown, "after": indexes, "settings": in_force, "below": below}


def _document(found: Found, offered: Sequence[Proposal], wanted: float) -> dict[str, Any]:
    indexes = found.documents(wanted)
    return {
        "pgvector": found.extension.version if found.extension else None,
        "settings": found.extension.settings if found.extension else {},
        "wanted": wanted,
        "indexes": indexes,
        "without_index": found.without_index,
        "proposals": [one.document() for one in offered],
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
