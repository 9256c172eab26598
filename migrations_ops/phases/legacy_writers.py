"""The trigger that gives rows a tenant which legacy writers, who know of none, write without one: by the same verdict
as the backfill, with an entry in the ledger."""

import hashlib
from collections.abc import Iterator

from psycopg.sql import Composable

from migrations_ops.engine.steps import RowTrigger, Statement
from migrations_ops.phases.queries import of_table, query, short
from migrations_ops.rules.compile import verdict
from migrations_ops.rules.model import TENANT_COLUMN, Plan, TableSpec
from migrations_ops.rules.plan_keys import PHASES
from vital.db import session_settings, sql


def triggers(plan: Plan, *, for_changed_rows: bool) -> Iterator[Statement]:
    """The trigger of each table; a plan with other rules replaces its function. While a later phase stands undone, it
    leaves the rows alone that were there already: it is as 002 needs it, and not as the later phases do."""
    for spec in plan.tables:
        if spec.decides:
            yield _trigger(plan, spec, ("all",) if for_changed_rows else ("all", "new"))


def _trigger(plan: Plan, spec: TableSpec, fires: tuple[str, ...]) -> Statement:
    function = sql.ident("vital", sql.fitting(f"late_writer_of_{spec.relation.replace('.', '_')}"))
    of_function = {"function": function}
    parts = of_function | {"body": sql.literal(sql.text_of(_body(plan, spec)))}
    made = query("create_legacy_writer_function", settings=session_settings.for_function(), **parts)
    digest = sql.literal(hashlib.sha256(sql.text_of(made).encode()).hexdigest())
    return Statement(
        name=f"rows written to {short(spec.relation)} without a tenant get theirs",
        relation=spec.relation,
        is_applied=of_table(
            "legacy_writer_trigger_is_current", spec.relation, digest=digest, fires=sql.literal(list(fires))
        ),
        up=(
            made,
            query("mark_legacy_writer_function", digest=digest, **of_function),
            query("close_legacy_writer_function", **of_function),
            of_table("create_legacy_writer_trigger", spec.relation, events=sql.raw("INSERT OR UPDATE"), **of_function),
        ),
        down=lambda _: (
            of_table("drop_legacy_writer_trigger", spec.relation),
            query("drop_legacy_writer_function", **of_function),
        ),
        locks=(spec.relation,),
        trigger=RowTrigger(
            spec.table,
            (TENANT_COLUMN,),
            fires=of_table("legacy_writer_trigger_fires", spec.relation),
            new_only=of_table("create_legacy_writer_trigger", spec.relation, events=sql.raw("INSERT"), **of_function),
            off=of_table("drop_legacy_writer_trigger", spec.relation),
        ),
    )


def _body(plan: Plan, spec: TableSpec) -> Composable:
    platform = [rule.name for rule in spec.rules if rule.phase == PHASES[0]]
    # An expression of the plan's own may be an error for some row, which must not be one of the application's.
    decides = "verdict_on_new_row_or_none" if spec.has_expressions else "verdict_on_new_row"
    return of_table(
        "legacy_writer_body",
        spec.relation,
        decide=of_table(decides, spec.relation, verdict=verdict(plan, spec, PHASES)),
        platform_rules=sql.literal(platform),
        column=sql.literal(TENANT_COLUMN),
        key=sql.key_text("NEW", spec.table.key),
    )
