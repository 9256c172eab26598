"""Triggers of others that would react to the backfill leave VITAL's own work alone, and are given back exactly."""

from psycopg.sql import Composable

from migrations_ops.engine import sql
from migrations_ops.engine.steps import Memo, Statement
from migrations_ops.phases.queries import of_table, query, short


def guarded(relation: str) -> Statement:
    lost = query("lost_by_replacing", trigger=sql.raw("g.oid"))

    def restored(memo: Memo) -> tuple[Composable, ...]:
        return tuple(
            query(
                "restore_trigger",
                on=sql.literal(trigger.get("on", relation)),
                trigger_name=sql.literal(trigger["name"]),
                definition=sql.literal(trigger["definition"]),
                lost=lost,
            )
            for trigger in memo
        )

    which = {"may_rewrite": of_table("may_rewrite", relation, heirs=of_table("heirs_of", relation))}
    return Statement(
        name=f"triggers of {short(relation)} leave the backfill alone",
        relation=relation,
        there=of_table("triggers_are_guarded", relation, **which),
        memo=of_table("trigger_definitions", relation, **which),
        up=(of_table("guard_triggers", relation, lost=lost, **which),),
        down=restored,
        locks=(relation,),
    )
