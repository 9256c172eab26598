"""A resolution is undone: its decisions go, tenants and references are those from before, and copies are removed."""

import json
from typing import Any

from migrations_ops.engine import ledger
from migrations_ops.engine.ledger import Touched, Undone
from migrations_ops.engine.session import Session
from migrations_ops.engine.step_context import Watch
from migrations_ops.engine.throttle import Throttle
from migrations_ops.review import queries
from migrations_ops.review.references.carry_out import RESOLVED, Say
from migrations_ops.review.references.queries import ask
from migrations_ops.rules.model import TENANT_COLUMN, Plan
from tenants import audit
from vital.db.sql import shown
from vital.errors import EngineError, Problem, require_reason

UNDONE = "undo references"


class NoSuchResolution(EngineError):
    """There is no resolution {number} of which something stands. Nothing was changed."""

    exit_code = 2


class UndoLaterFirst(EngineError):
    """The resolution {number} cannot be undone yet: {why}. Nothing was changed. Undo the later one first."""


def undo(
    session: Session, plan: Plan, number: int, who: str, reason: str, waiting: Say, progress: Say
) -> dict[str, Any]:
    """Take a resolution back; killed, it goes on when it is called again. Rows that others have changed since stay as
    they are and are listed, and so do copies that other rows refer to.

    Raises NoSuchResolution, UndoLaterFirst, ReasonRequired, AnotherRunIsActive.
    """
    reason = require_reason(reason, "Undoing a resolution")
    with session.run_lock():
        facts = _facts(session, number)
        _refuse_later(session, number)
        with session.work():
            queries.ask(session, "nobody_else_decides")
            known = {"number": number, "moment": facts["moment"], "who": who, "reason": reason}
            ask(session, "forget_resolution", known)
            ask(session, "overruled_again", {"overruled": json.dumps(facts["overruled"])})
        tables = {spec.relation: Touched(spec.table, (TENANT_COLUMN,)) for spec in plan.tables}

        def done(rows: int, total: int, _: int) -> None:
            progress(f"{rows:,} of {total:,} rows")

        watch = Watch(done, waiting, lambda: None, Throttle(session))
        undone = ledger.undo_run(session, number, tables, watch)
        document = {"number": number, **_document(undone)}
        with session.work():
            audit.note(session, who, UNDONE, reason, document)
    return document


def _facts(session: Session, number: int) -> dict[str, Any]:
    with session.work():
        found = ask(session, "resolution", {"number": number, "action": RESOLVED})
        if found:
            facts: dict[str, Any] = found[0][0]
            if ask(session, "resolution_stands", {"number": number, "moment": facts["moment"]})[0][0]:
                return facts
    raise NoSuchResolution(number=number)


def _refuse_later(session: Session, number: int) -> None:
    with session.work():
        later = ask(session, "later_changes", {"number": number})
        uses = ask(session, "later_uses", {"number": number, "action": RESOLVED})
    problems = [Problem(relation, key, f"was changed by run {run} since") for relation, key, run in later]
    if later:
        runs = ", ".join(str(run) for run in sorted({run for _, _, run in later if run}))
        raise UndoLaterFirst(number=number, why=f"rows of it were changed since, by run {runs}", problems=problems)
    if uses:
        which = ", ".join(sorted(found for (found,) in uses))
        raise UndoLaterFirst(number=number, why=f"its copies serve the resolution {which} as well")


def _document(undone: Undone) -> dict[str, Any]:
    return {
        "restored": {shown(relation): rows for relation, rows in undone.restored.items() if rows},
        "removed": {shown(relation): rows for relation, rows in undone.removed.items() if rows},
        "kept": [{"table": shown(relation), "key": key} for relation, key in undone.conflicts],
    }
