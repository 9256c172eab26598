"""Triggers of others that would react to the backfill leave VITAL's own work alone, and are given back exactly."""

from collections.abc import Iterator

from psycopg.sql import Composable

from migrations_ops.engine.steps import SavedState, Statement
from migrations_ops.phases.queries import of_table, query, short
from migrations_ops.rules.model import TENANT_COLUMN, Plan
from vital.db import sql


def tables_of(plan: Plan) -> list[str]:
    """The tables in which nothing but a tenant may change."""
    return [plan.registry, *(spec.relation for spec in plan.tables)]


def writing_the_plan(plan: Plan) -> dict[str, Composable]:
    """What questions about triggers that write to the plan's tables are composed of."""
    in_text, tables = query("tables_in_text"), sql.literal(tables_of(plan))
    parts = {"tables_in_text": in_text, "tables": tables}
    return parts | {"writes_the_plan": query("writes_the_plan", column=sql.literal(TENANT_COLUMN), **parts)}


def may_rewrite(plan: Plan, relation: str) -> Composable:
    """Predicate on a trigger `g` of this table: it is to leave VITAL's own work alone."""
    writes = writing_the_plan(plan)["writes_the_plan"]
    return of_table("may_rewrite", relation, heirs=of_table("heirs_of", relation), writes_the_plan=writes)


def held_back(plan: Plan) -> Iterator[Composable]:
    """(relation, key, message) of those that write to the plan's tables."""
    for relation in tables_of(plan):
        heirs = of_table("heirs_of", relation)
        yield of_table("triggers_that_are_held_back", relation, heirs=heirs, **writing_the_plan(plan))


def guarded(plan: Plan, relation: str) -> Statement:
    lost = query("lost_by_replacing", trigger=sql.raw("g.oid"))

    def restored(saved_state: SavedState) -> tuple[Composable, ...]:
        return tuple(
            query(
                "restore_trigger",
                on=sql.literal(trigger.get("on", relation)),
                trigger_name=sql.literal(trigger["name"]),
                definition=sql.literal(trigger["definition"]),
                lost=lost,
            )
            for trigger in saved_state
        )

    which = {"may_rewrite": may_rewrite(plan, relation)}
    return Statement(
        name=f"triggers of {short(relation)} leave the backfill alone",
        relation=relation,
        is_applied=of_table("triggers_are_guarded", relation, **which),
        saved_state=of_table("trigger_definitions", relation, **which),
        up=(of_table("guard_triggers", relation, lost=lost, **which),),
        down=restored,
        locks=(relation,),
    )
