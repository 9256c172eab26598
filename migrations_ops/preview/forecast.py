"""What a run or an undo would do, phase by phase, read from the database as it is. Nothing is written."""

from collections.abc import Iterable, Sequence
from typing import Any

import psycopg

from migrations_ops.engine import ddl, inserts
from migrations_ops.engine.backfill_sql import Assignment
from migrations_ops.engine.session import Session
from migrations_ops.engine.steps import Assign, Baseline, Check, Insert, Phase, Statement, Step, Table
from migrations_ops.engine.tables import are_there
from migrations_ops.engine.undo import row_tables
from migrations_ops.preview.predicted_rows import EARLY, LATE, QUERIES
from migrations_ops.rules.model import Plan
from vital.db import sql
from vital.db.sql import shown
from vital.errors import Problem

Document = dict[str, Any]


def of_phase(session: Session, phase: Phase) -> Document:
    """A phase's checks, the tables that it remembers, and its changes of the schema by what would become of them."""
    changes: dict[str, list[str]] = {"apply": [], "fill": [], "later": [], "already": []}
    for step in phase.steps:
        if isinstance(step, Statement):
            changes[_fate(session, step)].append(step.name)
        elif _fills(session, phase, step):
            changes["fill"].append(step.name)
    return {
        "phase": phase.key,
        "checks": sum(isinstance(step, Check) for step in phase.steps),
        "remembers": [shown(step.table.relation) for step in phase.steps if isinstance(step, Baseline)],
        **changes,
    }


def _fate(session: Session, statement: Statement) -> str:
    """What a run would do about it. What cannot be asked yet stands on an earlier change, which is not made yet."""
    try:
        if not ddl.is_wanted(session, statement):
            return "already"
        if not ddl.is_ready(session, statement):
            return "later"
        return "already" if ddl.is_there(session, statement) else "apply"
    except psycopg.Error:
        return "apply"


def _fills(session: Session, phase: Phase, step: Step) -> bool:
    """Whether rows of VITAL's own, or a new column's values, are missing; what rules assign is counted elsewhere."""
    try:
        if isinstance(step, Insert):
            with session.work():
                return inserts.anything_left(session, step)
        if isinstance(step, Assign) and phase.key not in (EARLY, LATE):
            with session.work():
                return Assignment(session, step).anything_left(phase.key)
    except (psycopg.Error, LookupError):  # a column that is not there yet
        return True
    return False


def rows_of_phase(plan: Plan, phase: str, preview: Document) -> Document:
    """Table → tenant → rows that the phase would assign (`rows`) or insert (`added`); of a canary its tenant's."""
    rows, added = {}, {}
    for spec in plan.tables:
        table = preview["tables"][shown(spec.relation)]
        early = {rule.name for rule in spec.rules if rule.phase != LATE}
        counts: dict[str, int] = {}
        for rule, tenants in table["matrix"].items():
            if (rule in early) == (phase != LATE):
                for tenant, number in tenants.items():
                    counts[tenant] = counts.get(tenant, 0) + number
        rows[shown(spec.relation)] = _of_canary(plan, counts)
        added[shown(spec.relation)] = _of_canary(plan, table["added"]) if phase == LATE else {}
    return {"rows": _not_empty(rows), "added": _not_empty(added)}


def _of_canary(plan: Plan, counts: dict[str, int]) -> dict[str, int]:
    return {tenant: number for tenant, number in counts.items() if plan.only_tenant in ("", tenant)}


def _not_empty(tables: dict[str, dict[str, int]]) -> dict[str, dict[str, int]]:
    return {table: counts for table, counts in tables.items() if counts}


def of_undo(session: Session, phases: Sequence[Phase]) -> Document:
    """Table → rows that would get their values back (`restored`), that would be removed again (`removed`), and those of
    both that were changed since, which would stay as they are (`kept`). As an undo counts: a row that two
    steps gave values in different columns is two."""
    keys = {relation: touched.table.key for phase in phases for relation, touched in row_tables(phase).items()}
    late = {table.relation: table.key for phase in phases for table in _filled_by_trigger(session, phase)}
    which = {"phases": [phase.key for phase in phases], "late": [*late]}
    keys = late | keys
    counts: dict[str, dict[str, int]] = {"restored": {}, "removed": {}, "kept": {}}
    with session.work():
        for relation, inserted, columns, rows in session.execute(QUERIES["rows_of_undo"], which):
            if not are_there(session, relation):
                continue  # there is nothing to take back in a table that is gone
            facts = which | {"relation": relation, "columns": columns}
            changed = _changed(session, relation, keys[relation], facts, inserted=inserted) if relation in keys else 0
            for kind, number in (("removed" if inserted else "restored", rows - changed), ("kept", changed)):
                if number:
                    counts[kind][shown(relation)] = counts[kind].get(shown(relation), 0) + number
    return dict(counts)


def _filled_by_trigger(session: Session, phase: Phase) -> Iterable[Table]:
    """The tables whose rows a trigger that the phase made has given values."""
    for step in phase.steps:
        if isinstance(step, Statement) and step.trigger and ddl.was_applied(session, phase.key, step):
            yield step.trigger.table


def _changed(session: Session, relation: str, key: tuple[str, ...], facts: Document, *, inserted: bool) -> int:
    """How many rows are no longer as VITAL left them."""
    hashed = [column for column in session.columns(relation) if column.name in facts["columns"]]
    statement = sql.compose(
        QUERIES["inserted_rows_changed_since" if inserted else "assigned_rows_changed_since"],
        relation=sql.relation(relation),
        same_row=sql.key_equals("t", session.typed_key(relation, key), sql.column("e", "vital_key")),
        now=sql.row_hash("t", hashed) if inserted else sql.jsonb_of("t", facts["columns"]),
    )
    return int(session.execute(statement, facts)[0][0])


def problems(found: Iterable[Problem]) -> list[Document]:
    return [{"table": shown(one.relation), "key": one.key, "message": one.message} for one in found]
