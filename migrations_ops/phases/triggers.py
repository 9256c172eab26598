"""Triggers of others that would react to the backfill leave VITAL's own work alone, and are given back exactly."""

import json

from psycopg.sql import Composable

from migrations_ops.engine.steps import Check, SavedState, Severity, Statement
from migrations_ops.phases import vital_product
from migrations_ops.phases.queries import of_table, query, short
from migrations_ops.rules.model import TENANT_COLUMN, Plan
from vital.db import sql


def tables_of(plan: Plan) -> list[str]:
    """The tables in which nothing but a tenant may change."""
    return [plan.registry, *(spec.relation for spec in plan.tables)]


def may_rewrite(plan: Plan, relation: str) -> Composable:
    """Predicate on a trigger `g` of this table: it is to leave VITAL's own work alone."""
    fires = query("fires_on_a_tenant", filled=sql.literal([TENANT_COLUMN]))
    writes = query("writes_the_plan", fires=fires, **_texts(plan))
    return of_table("may_rewrite", relation, heirs=of_table("heirs_of", relation), writes_the_plan=writes)


def held_back(plan: Plan) -> Composable:
    """(relation, key, message) of those that write to the plan's tables."""
    filled = {relation: [TENANT_COLUMN] for relation in tables_of(plan)}
    return query("triggers_that_are_held_back", triggers_that_write=_writing(plan, filled))


def that_fire(plan: Plan) -> Check:
    """Those of others that no guard holds back, with what they seem to write elsewhere."""
    filled = {spec.relation: [TENANT_COLUMN] for spec in plan.tables}
    for relation, names in vital_product.added(plan):
        filled.get(relation, []).extend(names)
    question = query("triggers_that_will_fire", triggers_that_write=_writing(plan, filled))
    return Check("triggers that will fire", question, Severity.WARN)


def _writing(plan: Plan, filled: dict[str, list[str]]) -> Composable:
    """`filled`: table → the columns that VITAL fills there."""
    fires = query("fires_on_a_tenant", filled=sql.raw("r.filled"))
    columns = sql.literal(json.dumps(filled))
    return query("triggers_that_write", filled_columns=columns, fires=fires, **_texts(plan))


def _texts(plan: Plan) -> dict[str, Composable]:
    """What questions about the texts of functions are composed of."""
    texts = {name: query(name) for name in ("text_of_function", "written_in_text")}
    family = query("family_of_the_plan", tables=sql.literal(tables_of(plan)))
    return {"tables_in_text": query("tables_in_text", **texts), "family": family}


def guarded(plan: Plan, relation: str) -> Statement:
    lost, again = query("lost_by_replacing", trigger=sql.raw("g.oid")), query("made_again")

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
        saved_state=of_table("trigger_definitions", relation, again=again, **which),
        up=(of_table("guard_triggers", relation, lost=lost, again=again, **which),),
        down=restored,
        locks=(relation,),
    )
