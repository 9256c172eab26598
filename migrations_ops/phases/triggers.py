"""Triggers of others that would react to the backfill leave VITAL's own work alone, and are given back exactly."""

from psycopg.sql import Composable

from migrations_ops.engine.steps import SavedState, Statement
from migrations_ops.phases.queries import of_table, query, short
from vital.db import sql


def guarded(relation: str) -> Statement:
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

    which = {"may_rewrite": of_table("may_rewrite", relation, heirs=of_table("heirs_of", relation))}
    return Statement(
        name=f"triggers of {short(relation)} leave the backfill alone",
        relation=relation,
        is_applied=of_table("triggers_are_guarded", relation, **which),
        saved_state=of_table("trigger_definitions", relation, **which),
        up=(of_table("guard_triggers", relation, lost=lost, **which),),
        down=restored,
        locks=(relation,),
    )
