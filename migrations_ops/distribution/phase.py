"""Distribution, a phase of its own: keys set aside, tables placed one by one, keys and guards made again.

Each step is a transaction of the whole cluster, so that a kill leaves it done or not begun; the undo goes the same way
back.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from psycopg.sql import Composable

from migrations_ops.distribution import checks, clocks, keys
from migrations_ops.distribution.placement import CHOICE, Layout, tables_of
from migrations_ops.distribution.queries import of_table, query
from migrations_ops.engine import ddl
from migrations_ops.engine.session import Session
from migrations_ops.engine.steps import Phase, SavedState, Statement, Step
from migrations_ops.phase_state import DISTRIBUTION
from migrations_ops.phases import org_tables, policies
from migrations_ops.phases.inventory import lazily
from migrations_ops.phases.queries import query as of_phase
from migrations_ops.rules.model import Plan
from tenants.isolation import wanted
from vital.db import introspection, sql
from vital.db.cluster import DISTRIBUTED
from vital.db.roles import ROLES
from vital.errors import Problem

KEY, TITLE = DISTRIBUTION, "Distribution"
Changes = tuple[Composable, ...]


def phase(plan: Plan, layout: Layout) -> Phase:
    return Phase(KEY, TITLE, tuple(_steps(plan, layout)))


def _steps(plan: Plan, layout: Layout) -> Iterator[Step]:
    yield from checks.checks(plan, layout)
    tables = tables_of(plan)
    of_tenants = [*(spec.relation for spec in plan.tables), *org_tables.own_tables(plan)]
    yield _choice(layout)
    yield _roles()
    for relation in tables:
        yield _guards_aside(plan, relation, of_tenants)
    for relation in layout.reference:
        yield _one_time(relation)
    for relation in tables:
        yield _keys_aside(plan, relation)
    for relation in layout.distributed:
        yield _keys_with_tenant(relation)
    for relation in [*layout.reference, *layout.distributed]:
        yield _placed(relation, layout)
        yield _no_local_rows(relation)
    for relation in tables:
        yield _keys_again(plan, relation, layout)
    for relation in of_tenants:
        yield _guarded(plan, relation, of_tenants)
    yield checks.afterwards(plan)


def _once(name: str, **facts: object) -> Statement:
    """A statement that is done when it is noted: what it made is another thing by the end of the phase."""
    statement: Statement | None = None

    def is_applied(session: Session) -> bool:
        assert statement is not None
        return ddl.was_applied(session, KEY, statement)

    statement = Statement(name=name, is_applied=is_applied, **facts)  # type: ignore[arg-type]
    return statement


def _choice(layout: Layout) -> Statement:
    """Sizes change, and so would what is proposed: what was begun with counts to the end."""
    memo = sql.literal(json.dumps(dict(layout.placement)))
    return _once(CHOICE, saved_state=query("given_state", memo=memo), up=(), down=lambda _: ())


def _roles() -> Statement:
    def before(saved_state: SavedState) -> Changes:
        had = [role for role in ROLES if not (saved_state or {}).get(role)]
        named = [{"role": sql.ident(role), "role_name": sql.literal(role)} for role in had]
        return tuple(query("let_log_in_no_more", **parts) for parts in named)

    return Statement(
        name="nodes let each other in as VITAL's roles",
        is_applied=query("roles_may_log_in"),
        saved_state=query("login_before"),
        up=tuple(query("let_log_in", role=sql.ident(role)) for role in ROLES),
        down=before,
    )


def _guards_aside(plan: Plan, relation: str, of_tenants: list[str]) -> Statement:
    """First of all, and so the last of the undo: guards follow the foreign keys, which are as they were by then."""

    def again(saved_state: SavedState) -> Changes:
        noted = saved_state or []
        writers = tuple(sql.verbatim(one["definition"]) for one in noted if one["name"] == "vital_late_writer")
        if relation not in of_tenants:
            return writers
        plain = wanted.Guards(of_tenants, [relation], plan.platform_id)
        return (*writers, *policies.guard(plain))

    return _once(
        f"guards of {sql.shown(relation)} are set aside",
        relation=relation,
        saved_state=of_table("own_triggers", relation),
        up=(of_table("drop_own_triggers", relation),),
        down=again,
        locks=(relation,),
    )


def _one_time(relation: str) -> Statement:
    """Triggers that write the time of a change write the same one to each copy."""

    def stamping(session: Session) -> list[clocks.Trigger]:
        return [one for one in clocks.triggers_of(session, [relation]) if one.stamps]

    def up(session: Session) -> Changes:
        changes: list[Composable] = []
        for one in stamping(session):
            parts = {"column": sql.ident(one.stamps), "column_name": sql.raw(one.stamps)}
            changes.append(query("create_stamp", **parts))
            signature = sql.literal(f"vital.stamp_{one.stamps}()")
            changes.append(of_phase("close_function", signature=signature))
            trigger = {"trigger": sql.ident(one.name), "relation": sql.relation(relation)}
            changes.append(query("create_stamp_trigger", column_name=parts["column_name"], **trigger))
        return tuple(changes)

    def before(saved_state: SavedState) -> Changes:
        dropped = [
            query("drop_trigger", trigger=sql.ident(one["name"]), relation=sql.relation(relation))
            for one in saved_state or []
        ]
        return (*dropped, *(sql.verbatim(one["definition"]) for one in saved_state or []))

    return _once(
        f"{sql.shown(relation)} has one time on every node",
        relation=relation,
        saved_state=of_table("stamping_triggers", relation, pattern=sql.literal(clocks.STAMPS)),
        composed=up,
        up=(),
        down=before,
        locks=(relation,),
    )


def _keys_aside(plan: Plan, relation: str) -> Statement:
    def up(session: Session) -> Changes:
        return keys.drop_all(map(keys.reference_of, session.value(keys.standing(plan, relation))))

    return _once(
        keys.set_aside(relation),
        relation=relation,
        saved_state=keys.standing(plan, relation),
        composed=up,
        up=(),
        down=keys.as_before,
        locks=(relation,),
    )


def _keys_with_tenant(relation: str) -> Statement:
    name = f"keys of {sql.shown(relation)} have the tenant"

    def up(session: Session) -> Changes:
        return keys.with_tenant(relation, session.value(keys.without_tenant(relation)))

    def blockers(session: Session) -> Iterator[Problem]:
        noted = session.value(query("noted_keys", statement=sql.literal(name)))
        if noted:
            with session.work():
                rows = session.execute(keys.in_two_tenants(relation, noted))
            yield from (Problem(*map(str, row)) for row in rows)

    return _once(
        name,
        relation=relation,
        saved_state=keys.without_tenant(relation),
        composed=up,
        up=(),
        down=partial(keys.unique_as_before, relation),
        undo_blockers=blockers,
        locks=(relation,),
    )


def _placed(relation: str, layout: Layout) -> Statement:
    """Counted and added up before and after, in the transaction itself."""
    how, first = layout.placement[relation], next(iter(layout.distributed), relation)
    made = query("make_reference", name=sql.literal(relation))
    if how == DISTRIBUTED:
        beside = sql.literal("none" if relation == first else first)
        made = of_table("make_distributed", relation, beside=beside)
    shape = of_table("shape_of_rows", relation, columns=introspection.COLUMNS)
    again = [of_table(name, relation) for name in ("same_table_of_statements", "same_table_of_baseline")]
    return Statement(
        name=f"{sql.shown(relation)} is a {how} table",
        relation=relation,
        is_applied=of_table("is_placed", relation, how=sql.literal(how)),
        saved_state=shape,
        composed=lambda session: _moved(relation, session.value(shape), made),
        up=(),
        down=lambda shaped: (*_moved(relation, shaped, query("make_local", name=sql.literal(relation))), *again),
        locks=(relation,),
    )


@dataclass(frozen=True)
class _Column:
    """As a fingerprint needs it; PostgreSQL's hash of an enum is another on each node, so that it goes by its text."""

    name: str
    hashable: bool
    kind: str = ""


def _moved(relation: str, shape: SavedState, move: Composable) -> Changes:
    """The move, with what holds during it: the owner is not bound, and the rows are the same."""
    hashed = sql.row_hash("t", [_Column(**one) for one in shape["columns"]])
    force = (of_table("force_again", relation),) if shape["forced"] else ()
    return (
        query("say_text_alike"),
        of_table("note_rows", relation, hash=hashed),
        of_table("no_force_to_move", relation),
        move,
        *force,
        of_table("compare_rows", relation, hash=hashed),
    )


def _no_local_rows(relation: str) -> Statement:
    """Citus hides the rows that it has copied, and leaves them where they are."""
    return Statement(
        name=f"no rows of {sql.shown(relation)} are left on the coordinator",
        relation=relation,
        is_applied=of_table("no_local_rows", relation),
        up=(of_table("drop_local_rows", relation),),
        down=lambda _: (),
        locks=(relation,),
    )


def _keys_again(plan: Plan, relation: str, layout: Layout) -> Statement:
    def up(session: Session) -> Changes:
        before = keys.references_of(session, plan, relation)
        refused = [one.name for one in before if keys.rows_that_break(session, one, layout)]
        return keys.placed(before, layout, refused)

    def down(saved_state: SavedState) -> Changes:
        return keys.drop_all(map(keys.reference_of, saved_state or []))

    return _once(
        f"foreign keys of {sql.shown(relation)} are made again",
        relation=relation,
        saved_state=query("noted_keys", statement=sql.literal(keys.set_aside(relation))),
        composed=up,
        up=(),
        down=down,
        locks=(relation,),
    )


def _guarded(plan: Plan, relation: str, of_tenants: list[str]) -> Statement:
    ours = policies.guarded_references(relation, lazily(plan), of_tenants, plan.platform_id)
    return Statement(
        name=f"references of {sql.shown(relation)} are guarded where its rows are",
        relation=relation,
        is_applied=ours.is_applied,
        composed=ours.composed,
        up=(),
        down=ours.down,
        locks=(relation,),
    )
