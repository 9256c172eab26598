"""What makes the UPDATE of a tenant column fail, or VITAL's change of a trigger: asked before anything changes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import psycopg
from psycopg.sql import Composable

from migrations_ops.engine.session import Session
from migrations_ops.engine.steps import Check, Probe, Severity
from migrations_ops.phases import tenant_table, triggers, vital_product
from migrations_ops.phases.queries import of_table
from migrations_ops.rules.model import TENANT_COLUMN, Plan, TableSpec
from migrations_ops.rules.plan_tables import has_tenant_column
from vital.db import sql
from vital.errors import Problem

NAMED = 20  # rows of each constraint; all are counted


@dataclass(frozen=True)
class _Broken:
    """A constraint that 004 would meet, in words, and the rows that break it; None where they cannot be counted."""

    why: str
    remedy: str
    rows: int | None


def checks(plan: Plan) -> Iterator[Check]:
    """All of them."""
    yield from _rows_keep_checks(plan)
    yield _triggers_can_be_guarded(plan)
    yield _nothing_is_generated(plan)
    if sequences := list(_sequences(plan)):
        yield Check("sequences that run out", sql.join(sequences, " UNION ALL "))


def _rows_keep_checks(plan: Plan) -> Iterator[Check]:
    """NOT VALID spares old rows until somebody updates them, which 004 does. Where the plan lets it leave some of them
    (`failing`), the run is stopped by no more than may be left."""

    def of_tables(stops: Callable[[TableSpec, _Broken], bool]) -> Probe:
        def problems(session: Session) -> Iterator[Problem]:
            for spec in plan.tables:
                for broken in _broken(session, spec):
                    if stops(spec, broken):
                        yield Problem(spec.relation, "", f"{broken.why}. {broken.remedy}")

        return problems

    yield Check(
        "rows that break a check of their table", of_tables(lambda spec, broken: not _may_be_left(spec, broken))
    )
    if any(spec.failing is not None for spec in plan.tables):
        yield Check("rows that 004 will leave as findings", of_tables(_may_be_left), Severity.WARN)


def _may_be_left(spec: TableSpec, broken: _Broken) -> bool:
    return spec.failing is not None and broken.rows is not None and broken.rows <= spec.failing


def refused_rows(session: Session, spec: TableSpec) -> list[str]:
    """What is known beforehand of rows that cannot be updated, and what a run does then; a sentence each."""
    then = {True: "it will leave them as findings", False: "it will not begin"}
    return [f"{broken.why}; {then[_may_be_left(spec, broken)]}" for broken in _broken(session, spec)]


def _broken(session: Session, spec: TableSpec) -> Iterator[_Broken]:
    found = session.execute(of_table("checks_not_valid", spec.relation, heirs=of_table("heirs_of", spec.relation)))
    for leaf, constraint, expression, remedy in found:
        for why, rows in _breaking(session, spec, leaf, constraint, expression):
            yield _Broken(why, remedy, rows)


def _breaking(
    session: Session, spec: TableSpec, leaf: str, constraint: str, expression: str
) -> Iterator[tuple[str, int | None]]:
    """The rows that 004 would have to give a tenant, and that the constraint refuses."""
    is_open: Composable = sql.raw("true")
    if has_tenant_column(session, spec):
        is_open = sql.compose("{tenant} IS NULL", tenant=sql.column("t", TENANT_COLUMN))
    question = of_table(
        "rows_that_break_a_check",
        leaf,
        key=sql.key_text("t", spec.table.key),
        expression=sql.verbatim(expression),
        open=is_open,
        most=sql.literal(NAMED),
    )
    try:
        with session.work():
            [(count, keys)] = session.execute(question)
    except psycopg.DataError as error:
        what = error.diag.message_primary
        yield f"its check {constraint} is an error for a row ({what}), so that 004 cannot update it", None
        return
    if count:
        rows = "1 row breaks" if count == 1 else f"{count:,} rows break"
        first = f"{', '.join(keys)}{' and others' if count > len(keys) else ''}"
        yield f"{rows} its check {constraint}, which is NOT VALID, so that 004 cannot update them: {first}", count


def _triggers_can_be_guarded(plan: Plan) -> Check:
    """001 makes triggers anew that would rewrite a row, with a condition more. PostgreSQL keeps some that it would not
    let anybody make again."""
    questions = list(triggers.not_to_be_made(plan))
    return Check("triggers that cannot be created again", sql.join(questions, " UNION ALL "))


def _nothing_is_generated(plan: Plan) -> Check:
    questions = [
        of_table(
            "generated_from_tenant",
            spec.relation,
            column=sql.literal(TENANT_COLUMN),
            heirs=of_table("heirs_of", spec.relation),
        )
        for spec in plan.tables
    ]
    return Check("what is generated from the tenant", sql.join(questions, " UNION ALL "))


def _sequences(plan: Plan) -> Iterator[Composable]:
    """Of the tables of others that VITAL adds rows to."""
    for relation in tenant_table.adopted(plan):
        yield of_table("sequences_that_run_out", relation, rows=sql.literal(len(plan.tenants)))
    for relation, rows in vital_product.filled(plan).items():
        yield of_table("sequences_that_run_out", relation, rows=rows)
