"""What another plan would change: rows that the two would put into different tenants."""

from functools import partial
from typing import Any

from migrations_ops.engine.session import Session
from migrations_ops.preview.document import Words
from migrations_ops.preview.inputs import Asking, Waiting
from migrations_ops.preview.predict import registered
from migrations_ops.preview.predicted_rows import QUERIES
from migrations_ops.rules.model import Plan, TableSpec
from vital.db import sql
from vital.db.sql import shown


def against(session: Session, plan: Plan, other: Plan, waiting: Waiting) -> dict[str, Any]:
    """Where rows will be by `plan`, or are already, beside where `other` would put them. Both must fit."""
    mine, theirs = Asking(session, plan, waiting), Asking(session, other, waiting)
    slugs = registered(mine)
    words = Words(theirs, slugs), Words(mine, slugs)
    shared = [spec for spec in plan.tables if other.has(spec.relation)]
    changes = [change for spec in shared for change in _changes(mine, theirs, spec, words)]
    return {
        "changes": changes,
        "rows": sum(change["rows"] for change in changes),
        "only_here": [shown(spec.relation) for spec in plan.tables if not other.has(spec.relation)],
        "only_there": [shown(spec.relation) for spec in other.tables if not plan.has(spec.relation)],
    }


def _changes(mine: Asking, theirs: Asking, spec: TableSpec, words: tuple[Words, Words]) -> list[dict[str, Any]]:
    """The rows of one table, by tenants and rules before and after."""
    statement = sql.compose(
        QUERIES["rows_of_two_plans"],
        one=mine.prediction.rows(spec),
        other=theirs.prediction.rows(theirs.plan.table(spec.relation)),
        key=sql.key_text("one", spec.table.key),
        same_row=sql.same_values("one", spec.table.key, "other", spec.table.key),
    )
    found = mine.short([spec.relation], partial(mine.session.execute, statement), whole=True)
    theirs_of, mine_of = words
    other = theirs.plan.table(spec.relation)
    changes = [
        {
            "table": shown(spec.relation),
            "from": mine_of.tenant(str(before) if before else None),
            "to": theirs_of.tenant(str(after) if after else None),
            "rule_before": mine_of.rule(spec, rule) or stands_by,
            "rule_after": theirs_of.rule(other, rule_after),
            "rows": rows,
            "keys": [first] if first == last else [first, last],
        }
        for before, after, rule, rule_after, stands_by, rows, first, last in found
    ]
    return sorted(changes, key=lambda change: -change["rows"])
