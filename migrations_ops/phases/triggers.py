"""Triggers of others that would react to the backfill leave VITAL's own work alone, and are given back exactly."""

import json
from collections.abc import Iterator

from psycopg.sql import Composable

from migrations_ops.engine.steps import Check, SavedState, Severity, Statement
from migrations_ops.phases import vital_product
from migrations_ops.phases.queries import QUERIES, of_table, query, short
from migrations_ops.rules.model import TENANT_COLUMN, Plan
from vital.db import sql

KEEPER = sql.literal("~vital_keeps_the_row")  # triggers fire in the order of their names


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


def not_to_be_made(plan: Plan) -> Iterator[Composable]:
    """(relation, key, message) of those that 001 would have to make anew, and that nobody can, table by table."""
    for relation in tables_of(plan):
        refused = _of(plan, relation, "refused")
        yield of_table("triggers_not_to_be_made_again", relation, refused=refused)


def put_right(plan: Plan) -> Composable:
    """The same of those whose changes of the row are put back instead."""
    kept = [of_table("triggers_put_right", name, are_kept=_of(plan, name, "kept")) for name in _keeping(plan)]
    return sql.join(kept, " UNION ALL ")


def _keeping(plan: Plan) -> list[str]:
    """The tables in which VITAL changes nothing but the tenant: not that of the tenants, nor one that it fills."""
    filled = {relation for relation, _ in vital_product.added(plan)}
    return [spec.relation for spec in plan.tables if spec.relation not in filled]


def _of(plan: Plan, relation: str, which: str) -> Composable:
    """Predicate on a trigger `g` of the table that cannot be made again: its changes are put back, or it is refused."""
    keeps: Composable = sql.raw("false")
    if relation in _keeping(plan):
        keeps = query("can_be_put_right", keeper=KEEPER, tables_in_text=_texts(plan)["tables_in_text"])
    parts = {"may_rewrite": may_rewrite(plan, relation), "cannot_be_made_again": query("cannot_be_made_again")}
    return query("trigger_is_kept" if which == "kept" else "trigger_is_refused", can_be_put_right=keeps, **parts)


def row_kept(plan: Plan, relation: str) -> Iterator[Statement]:
    """A trigger of ours behind those that cannot be made again: as VITAL gives a row its tenant, it puts back what they
    have changed of it. They stay as they are, for applications too."""
    if relation not in _keeping(plan):
        return
    tables = of_table("tables_to_keep", relation, are_kept=_of(plan, relation, "kept"))
    parts = {"tables_to_keep": tables, "keeper": KEEPER}
    signature = sql.literal("vital.keep_row()")
    yield Statement(
        name=f"rows of {short(relation)} are kept where a trigger stays as it is",
        relation=relation,
        wanted=lambda session: bool(session.value(query("any_table_to_keep", tables_to_keep=tables))),
        is_applied=query("rows_are_kept", **parts),
        up=(
            query("create_keeper", body=sql.literal("\n" + QUERIES["keep_row_body"] + "\n")),
            query("close_function", signature=signature),
            query("keep_rows", **parts),
        ),
        down=lambda _: (
            of_table("keep_rows_no_more", relation, keeper=KEEPER, heirs=of_table("heirs_of", relation)),
            query("drop_unused_function", signature=signature),
        ),
        locks=(relation,),
    )


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

    which = {"may_rewrite": may_rewrite(plan, relation), "cannot_be_made_again": query("cannot_be_made_again")}
    return Statement(
        name=f"triggers of {short(relation)} leave the backfill alone",
        relation=relation,
        is_applied=of_table("triggers_are_guarded", relation, **which),
        saved_state=of_table("trigger_definitions", relation, again=again, **which),
        up=(of_table("guard_triggers", relation, lost=lost, again=again, **which),),
        down=restored,
        locks=(relation,),
    )
