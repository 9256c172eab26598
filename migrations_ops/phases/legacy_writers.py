"""The trigger that gives rows a tenant which legacy writers, who know of none, write without one: by the same verdict
as the backfill, with an entry in the ledger."""

import hashlib
from collections.abc import Callable, Iterator

from psycopg.sql import Composable

from migrations_ops.engine.steps import RowTrigger, Statement
from migrations_ops.phases.queries import of_table, query
from migrations_ops.rules.compile import verdict
from migrations_ops.rules.model import TENANT_COLUMN, Plan, TableSpec
from migrations_ops.rules.plan_keys import PHASES
from tenants.inventory import Inventory, Routine
from tenants.isolation import comparison, wanted
from tenants.isolation.difference import WRITERS
from vital.db import session_settings, sql


def triggers(plan: Plan, inventory: Callable[[], Inventory], *, for_changed_rows: bool) -> Iterator[Statement]:
    """The trigger of each table; a plan with other rules replaces its function. While a later phase stands undone, it
    leaves the rows alone that were there already: it is as 002 needs it, and not as the later phases do."""
    for spec in plan.tables:
        if spec.decides:
            yield _trigger(plan, spec, inventory, ("all",) if for_changed_rows else ("all", "new"))


def function_of(plan: Plan, spec: TableSpec) -> Routine:
    """The function behind the table's trigger, as this plan wants it."""
    name = sql.fitting(f"late_writer_of_{spec.relation.replace('.', '_')}")
    settings = {"search_path": session_settings.search_path("pg_catalog")} | session_settings.IN_A_FUNCTION
    carried = tuple(f"{setting}={value}" for setting, value in settings.items())
    body = sql.text_of(_body(plan, spec))
    made = sql.text_of(_creation(name, body))
    return Routine(name, body, carried, hashlib.sha256(made.encode()).hexdigest())


def _creation(name: str, body: str) -> Composable:
    parts = {"function": sql.ident("vital", name), "body": sql.literal(body)}
    return query("create_legacy_writer_function", settings=session_settings.for_function(), **parts)


def _trigger(plan: Plan, spec: TableSpec, inventory: Callable[[], Inventory], fires: tuple[str, ...]) -> Statement:
    routine = function_of(plan, spec)
    of_function = {"function": sql.ident("vital", routine.name)}
    made, digest = _creation(routine.name, routine.body), sql.literal(routine.digest)
    current = of_table("legacy_writer_trigger_is_current", spec.relation, digest=digest, fires=sql.literal(list(fires)))
    as_wanted = comparison.is_as_wanted(inventory, WRITERS, spec.relation)
    return Statement(
        name=wanted.writing(spec.relation),
        relation=spec.relation,
        is_applied=lambda session: session.value(current) and as_wanted(session),
        up=(
            made,
            query("mark_function", digest=digest, **of_function),
            query("close_function", signature=sql.literal(routine.signature)),
            of_table("create_legacy_writer_trigger", spec.relation, events=sql.raw("INSERT OR UPDATE"), **of_function),
        ),
        down=lambda _: (
            of_table("drop_legacy_writer_trigger", spec.relation),
            query("drop_function", **of_function),
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
