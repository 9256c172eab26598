"""A decision is taken back: the row is again what it was before; where it had no tenant then, the rules decide."""

from collections.abc import Callable
from typing import Any

import psycopg

from migrations_ops import audit
from migrations_ops.engine import sql
from migrations_ops.engine.errors import EngineError
from migrations_ops.engine.session import Session
from migrations_ops.engine.steps import Assign
from migrations_ops.findings.carry_out import Work, standing
from migrations_ops.findings.decide import DecidedMeanwhile
from migrations_ops.findings.queries import QUERIES, ask, same_row
from migrations_ops.findings.weigh import Weighed, weigh
from migrations_ops.phases.queries import short
from migrations_ops.reading import has_tenant_column, named, shown
from migrations_ops.rules.compile import BY_PERSON, verdict
from migrations_ops.rules.load import PHASES
from migrations_ops.rules.model import TENANT_COLUMN, Plan, TableSpec

WITHDRAWN = "a person's decision was withdrawn"
Target = tuple[str | None, str]  # the tenant a row goes back to, and by which rule


class WithoutReason(EngineError):
    """A decision is taken back with a reason, which is written down: say --reason "..."; nothing was changed."""

    exit_code = 2


class NotDecided(EngineError):
    """Nobody has decided about {table} {key}, so there is nothing to withdraw. Nothing was changed."""

    exit_code = 2


class NowhereToGo(EngineError):
    """{table} {key} had no tenant before the decision, no rule knows it, and by now the table demands one. Nothing was
    changed. Decide for another tenant instead."""

    exit_code = 2


def withdraw(
    session: Session, plan: Plan, table: str, key: str, who: str, reason: str, waiting: Callable[[str], None]
) -> dict[str, Any]:
    """Take the decision about one row back. Raises NotDecided, NowhereToGo, DecidedMeanwhile, AnotherRunIsActive.

    The row goes first and the decision after it: a kill in between leaves a decision that the next run makes again.
    """
    if not reason.strip():
        raise WithoutReason
    spec = named(plan, table)
    with session.run_lock():
        row = _row(session, spec, key)
        there = standing(session, plan, spec.relation) is not None and has_tenant_column(session, spec)
        assert row.standing is not None
        moved, target = False, (row.tenant, "")
        if there and row.tenant == row.standing[0]:
            target = _target(session, plan, spec, row)
            moved = _move(Work(session, plan, who, waiting), spec, row.key, target)
        facts = {"table": spec.relation, "key": row.key, "from": row.standing[0], "to": target[0]}
        with session.work():
            gone = {"relation": spec.relation, "key": row.key, "at": row.standing[3]}
            if not ask(session, "forget_decision", gone):
                raise DecidedMeanwhile
            audit.note(session, who, "withdraw", reason, facts)
    return facts | {"table": shown(spec.relation), "moved": moved, "rule": target[1] or None}


def _row(session: Session, spec: TableSpec, key: str) -> Weighed:
    """The row with its decision. One that is deleted by now has its decision all the same."""
    with session.work():
        found = weigh(session, spec, [(0, key, None)], has_column=has_tenant_column(session, spec)).get(0)
    if found is None:
        person = session.named("override_of_row", {"relation": spec.relation, "key": key})
        found = Weighed(key, None, person[0] if person else None, again=False, taken=False)
    if found.standing is None:
        raise NotDecided(table=shown(spec.relation), key=key)
    return found


def _target(session: Session, plan: Plan, spec: TableSpec, row: Weighed) -> Target:
    """Where the row was before people decided about it, by the ledger; else where the rules put it."""
    tenant: str | None = row.tenant
    for _, _, _, _, rule, before, _, _, undone_at, _ in session.named(
        "history_of_row", {"relation": spec.relation, "key": row.key}
    ):
        if undone_at is None:
            if rule not in (BY_PERSON, WITHDRAWN):
                break
            tenant = before.get(TENANT_COLUMN)
    return (tenant, WITHDRAWN) if tenant else _by_rules(session, plan, spec, row.key)


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


def _move(work: Work, spec: TableSpec, key: str, target: Target) -> bool:
    parts = {"key": sql.key_text("batch", spec.table.key), "wanted": sql.literal(key)}
    step = Assign(
        name=f"withdrawn decisions about {short(spec.relation)}",
        table=spec.table,
        columns=(TENANT_COLUMN,),
        verdict=sql.compose(
            QUERIES["verdict_of_withdrawal"],
            tenant=sql.ident(TENANT_COLUMN),
            target=sql.literal(target[0]),
            rule=sql.literal(target[1]),
            **parts,
        ),
        open=sql.raw("false"),
        also=sql.compose(QUERIES["is_row"], **parts | {"key": sql.key_text("t", spec.table.key)}),
    )
    try:
        return work.some(step, [key]) > 0
    except (psycopg.errors.NotNullViolation, psycopg.errors.CheckViolation) as error:
        raise NowhereToGo(table=shown(spec.relation), key=key) from error
