"""A plain index on the tenant column of a big table is dropped while its rows are assigned, and built again after.

While it is there, each assignment touches every index of the table (see the engine's `passes`). Dropped and built
CONCURRENTLY. The undo goes the same way back: 004 drops it, the rows go back, and what had dropped it builds it again.
So does a run or an undo that follows a kill in between.
"""

from collections.abc import Iterable

from psycopg.sql import Composable

from migrations_ops.engine.session import Session
from migrations_ops.engine.steps import SavedState, Statement
from migrations_ops.engine.throttle import limits_in_force
from migrations_ops.phases.queries import of_table, query, short
from migrations_ops.rules.model import TENANT_COLUMN, Plan, TableSpec
from vital.db import sql
from vital.db.sql import shown

BIG_ENOUGH = 2_000  # pages: 16 MB


def dropped(plan: Plan, spec: TableSpec) -> Statement:
    """Before the first row is assigned, in 003 or 004. Once 004 is completed it stays: little is left to assign."""
    plain = _plain_indexes(spec)

    def is_applied(session: Session) -> bool:
        return session.value(plain) is None or (_is_set_up(session) and bool(session.value(query("is_all_assigned"))))

    return Statement(
        name=_dropping(spec),
        relation=spec.relation,
        wanted=lambda session: not _stays(session, plan),
        is_applied=is_applied,
        saved_state=plain,
        up=(),
        composed=lambda session: _drops(session.value(plain) or ()),
        down=_builds,
        online=True,
        locks=(spec.relation,),
    )


def built(plan: Plan, spec: TableSpec) -> Statement:
    """In 004, once all rows are assigned."""
    missing = _missing(_dropping(spec))

    def is_applied(session: Session) -> bool:
        return session.value(missing if _is_set_up(session) else _plain_indexes(spec)) is None

    return Statement(
        name=f"{short(spec.relation)} has its index on the tenant column again",
        relation=spec.relation,
        is_applied=is_applied,
        saved_state=missing,
        up=(),
        composed=lambda session: _builds(session.value(missing) or ()),
        down=_drops,
        online=True,
        locks=(spec.relation,),
    )


def not_built(session: Session, plan: Plan) -> list[str]:
    """The indexes that are dropped just now, each with its table."""
    found = session.value(_missing(*(_dropping(spec) for spec in plan.tables))) or ()
    return [f"{one['name']} on {shown(one['relation'])}" for one in found]


def _dropping(spec: TableSpec) -> str:
    return f"{short(spec.relation)} is assigned without its index on the tenant column"


def _missing(*statements: str) -> Composable:
    return query("dropped_indexes", statements=sql.literal([*statements]))


def _plain_indexes(spec: TableSpec) -> Composable:
    return of_table(
        "plain_tenant_indexes", spec.relation, column=sql.literal(TENANT_COLUMN), pages=sql.literal(BIG_ENOUGH)
    )


def _is_set_up(session: Session) -> bool:
    return bool(session.named("is_set_up")[0][0])


def _stays(session: Session, plan: Plan) -> bool:
    """A canary has few rows to assign; the others are asked for by the plan or by an operator."""
    return plan.keep_indexes or bool(plan.scope) or limits_in_force(session).number("keep_indexes") is not None


def _drops(indexes: Iterable[SavedState]) -> tuple[Composable, ...]:
    return tuple(
        of_table("drop_index", one["relation"], index=sql.ident(one["schema"], one["name"])) for one in indexes
    )


def _builds(indexes: Iterable[SavedState]) -> tuple[Composable, ...]:
    """What a failed attempt has left goes first; a comment comes back as well."""
    changes: list[Composable] = []
    for one in indexes:
        index = sql.ident(one["schema"], one["name"])
        body = sql.verbatim(one["body"])
        changes.append(of_table("drop_index", one["relation"], index=index))
        changes.append(of_table("build_again", one["relation"], index=sql.ident(one["name"]), body=body))
        if one["comment"] is not None:
            changes.append(query("comment_index", index=index, comment=sql.literal(one["comment"])))
    return tuple(changes)
