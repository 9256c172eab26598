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
EXACT = 100_000  # rows of a table that are all looked at
SAMPLE = 50_000  # … and about how many of a bigger one


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


def of_undo(session: Session, phases: Sequence[Phase], patience: str = "0") -> Document:
    """Table → rows that would get their values back (`restored`), that would be removed again (`removed`), those of
    both that were changed since, which would stay as they are (`kept`), and those that somebody has deleted (`gone`).
    As an undo counts: a row that two steps gave values in different columns is two. Above EXACT rows they are estimated
    from one row in so many (`sampled`), looked up by key. `patience` is the most time for one table (0: any)."""
    keys = {relation: touched.table.key for phase in phases for relation, touched in row_tables(phase).items()}
    late = {table.relation: table.key for phase in phases for table in _filled_by_trigger(session, phase)}
    which = {"phases": [phase.key for phase in phases], "late": [*late]}
    keys = late | keys
    counts: dict[str, dict[str, int]] = {kind: {} for kind in ("restored", "removed", "kept", "gone", "sampled")}
    with session.work():
        groups = session.execute(QUERIES["groups_of_undo"], which)
    for relation, inserted, columns, rows in groups:
        if relation not in keys or not are_there(session, relation):
            continue  # there is nothing to take back in a table that is gone
        one_in = 1 if rows <= EXACT else -(-rows // SAMPLE)
        facts = which | {"relation": relation, "columns": columns, "one_in": one_in}
        fates = zip(
            ("removed" if inserted else "restored", "kept", "gone"),
            _fates(session, keys[relation], facts, patience, inserted=inserted),
            strict=True,
        )
        for kind, number in fates:
            if number:
                counts[kind][shown(relation)] = counts[kind].get(shown(relation), 0) + number * one_in
        if one_in > 1:
            counts["sampled"][shown(relation)] = one_in
    return dict(counts)


def _filled_by_trigger(session: Session, phase: Phase) -> Iterable[Table]:
    """The tables whose rows a trigger that the phase made has given values."""
    for step in phase.steps:
        if isinstance(step, Statement) and step.trigger and ddl.was_applied(session, phase.key, step):
            yield step.trigger.table


def _fates(
    session: Session, key: tuple[str, ...], facts: Document, patience: str, *, inserted: bool
) -> tuple[int, int, int]:
    """How many rows are as VITAL left them, how many are not, and how many are gone."""
    relation = facts["relation"]
    hashed = [column for column in session.columns(relation) if column.name in facts["columns"]]
    statement = sql.compose(
        QUERIES["fate_of_inserted_rows" if inserted else "fate_of_assigned_rows"],
        relation=sql.relation(relation),
        same_row=sql.key_equals("t", session.typed_key(relation, key), sql.column("e", "vital_key")),
        now=sql.row_hash("t", hashed) if inserted else sql.jsonb_of("t", facts["columns"]),
    )
    with session.work(statement_timeout=patience):
        if facts["one_in"] > 1:
            session.execute(QUERIES["look_up_row_by_row"])
        as_left, changed, gone = session.execute(statement, facts)[0]
    return int(as_left), int(changed), int(gone)


def problems(found: Iterable[Problem]) -> list[Document]:
    return [{"table": shown(one.relation), "key": one.key, "message": one.message} for one in found]
