"""A decision is taken back: the row is again what it was before; where it had no tenant then, the rules decide."""

from collections.abc import Callable
from typing import Any

import psycopg

from migrations_ops.engine.session import Session
from migrations_ops.engine.steps import Assign
from migrations_ops.phases.queries import short
from migrations_ops.review.apply import Work, standing
from migrations_ops.review.decide import DecidedMeanwhile
from migrations_ops.review.queries import QUERIES, ask, same_row
from migrations_ops.review.validate import Weighed, weigh
from migrations_ops.rules.compile import BY_PERSON, verdict
from migrations_ops.rules.model import TENANT_COLUMN, Plan, TableSpec
from migrations_ops.rules.plan_keys import PHASES
from migrations_ops.rules.plan_tables import has_tenant_column, named
from vital.db import sql
from vital.db.sql import shown
from vital.errors import EngineError, require_reason

WITHDRAWN = "a manual decision was withdrawn"
AT_ONCE = 1_000  # rows that go back in one step
Target = tuple[str | None, str]  # the tenant a row goes back to, and by which rule


class NotDecided(EngineError):
    """{table} {key} has no manual decision, so there is nothing to withdraw. Nothing was changed."""

    exit_code = 2


class NowhereToGo(EngineError):
    """{table} {key} had no tenant before the decision, matches no rule, and by now the table demands one. Nothing was
    changed. Decide for another tenant instead."""

    exit_code = 2


def withdraw(
    session: Session, plan: Plan, table: str, key: str, who: str, reason: str, waiting: Callable[[str], None]
) -> dict[str, Any]:
    """Take the decision about one row back. Raises NotDecided, NowhereToGo, DecidedMeanwhile, AnotherRunIsActive."""
    reason = require_reason(reason, "Withdrawing a decision")
    spec = named(plan, table)
    with session.run_lock():
        rows = _rows(session, spec, [key])
        if not rows:
            raise NotDecided(table=shown(spec.relation), key=key)
        targets, moved = _back(Work(session, plan, who, waiting), spec, rows)
        ((row,), (target,)) = rows, targets.values()
        if not _forget(session, spec, rows, targets, who, reason):
            raise DecidedMeanwhile
    assert row.standing is not None
    facts = {"table": shown(spec.relation), "key": row.key, "from": row.standing[0], "to": target[0]}
    return facts | {"moved": moved > 0, "rule": target[1] or None}


def withdraw_all(
    session: Session, plan: Plan, relation: str, keys: list[str], who: str, reason: str, waiting: Callable[[str], None]
) -> int:
    """The same for decisions about rows of a table, some thousand at a time; a row that somebody has decided about
    meanwhile stays. Returns how many rows went back. Raises NowhereToGo, AnotherRunIsActive."""
    spec, moved = plan.table(relation), 0
    with session.run_lock():
        for first in range(0, len(keys), AT_ONCE):
            rows = _rows(session, spec, keys[first : first + AT_ONCE])
            targets, went = _back(Work(session, plan, who, waiting), spec, rows)
            _forget(session, spec, rows, targets, who, reason)
            moved += went
    return moved


def _rows(session: Session, spec: TableSpec, keys: list[str]) -> list[Weighed]:
    """The rows that are decided. One that is deleted by now has its decision all the same."""
    asked = [(number, key, None) for number, key in enumerate(keys)]
    with session.work():
        found = weigh(session, spec, asked, has_column=has_tenant_column(session, spec))
    for number, key, _ in asked:
        if number not in found and (
            person := session.named("override_of_row", {"relation": spec.relation, "key": key})
        ):
            found[number] = Weighed(key, None, person[0], again=False, taken=False)
    return [row for row in found.values() if row.standing]


def _back(work: Work, spec: TableSpec, rows: list[Weighed]) -> tuple[dict[str, Target], int]:
    """Key → where the row goes, and how many went. The rows go first and the decisions after them: a kill in between
    leaves decisions that the next run makes again."""
    session, targets = work.session, {row.key: (row.tenant, "") for row in rows}
    there = standing(session, work.plan, spec.relation) is not None and has_tenant_column(session, spec)
    goes = [row for row in rows if there and row.standing and row.tenant == row.standing[0]]
    if not goes:
        return targets, 0
    known = _before_people(session, spec, goes)
    targets |= {key: (tenant, WITHDRAWN) for key, tenant in known.items() if tenant}
    moved = _move(work, spec, {key: targets[key] for key in known if known[key]})
    for key in (key for key, tenant in known.items() if not tenant):
        targets[key] = _by_rules(session, work.plan, spec, key)
        moved += _move(work, spec, {key: targets[key]})
    return targets, moved


def _before_people(session: Session, spec: TableSpec, rows: list[Weighed]) -> dict[str, str | None]:
    """Key → the tenant that the row had before people decided about it, by the ledger; its own where that is
    silent."""
    facts = {"relation": spec.relation, "keys": [row.key for row in rows], "rules": [BY_PERSON, WITHDRAWN]}
    with session.work():
        found = dict(ask(session, "before_people", facts | {"tenant": TENANT_COLUMN}))
    return {row.key: found.get(row.key, row.tenant) for row in rows}


def _by_rules(session: Session, plan: Plan, spec: TableSpec, key: str) -> Target:
    """What the rules say about the row, asked as if nobody had decided; no tenant where none knows it."""
    said: list[tuple[Any, ...]] = []
    with session.work():
        ask(session, "forget_any_decision", {"relation": spec.relation, "key": key})
        said = ask(
            session,
            "rules_of_row",
            relation=sql.relation(spec.relation),
            same_row=same_row(session, spec, sql.literal(key)),
            tenant=sql.ident(TENANT_COLUMN),
            verdict=verdict(plan, spec, PHASES),
        )
        raise psycopg.Rollback
    return said[0] if said else (None, WITHDRAWN)


def _move(work: Work, spec: TableSpec, targets: dict[str, Target]) -> int:
    if not targets:
        return 0
    keys = sql.literal(list(targets))
    step = Assign(
        name=f"withdrawn decisions about {short(spec.relation)}",
        table=spec.table,
        columns=(TENANT_COLUMN,),
        verdict=sql.compose(
            QUERIES["verdict_of_withdrawal"],
            tenant=sql.ident(TENANT_COLUMN),
            keys=keys,
            tenants=sql.literal([tenant for tenant, _ in targets.values()]),
            rules=sql.literal([rule for _, rule in targets.values()]),
            key=sql.key_text("batch", spec.table.key),
        ),
        open=sql.raw("false"),
        reassignable=sql.compose(QUERIES["is_one_of_rows"], key=sql.key_text("t", spec.table.key), keys=keys),
    )
    try:
        return work.some(step, list(targets))
    except (psycopg.errors.NotNullViolation, psycopg.errors.CheckViolation) as error:
        raise NowhereToGo(table=shown(spec.relation), key=next(iter(targets))) from error


def _forget(
    session: Session, spec: TableSpec, rows: list[Weighed], targets: dict[str, Target], who: str, reason: str
) -> int:
    """Take these decisions out, each with its line in the audit; how many of them still stood."""
    standing = [(row.key, row.standing[3], targets[row.key][0]) for row in rows if row.standing]
    keys, moments, tenants = ([one[n] for one in standing] for n in range(3))
    facts = {"relation": spec.relation, "keys": keys, "moments": moments, "tenants": tenants}
    with session.work():
        return len(ask(session, "forget_decisions_of_rows", facts | {"who": who, "reason": reason}))
