"""What gives tenants their nearest rows back, as changes that know their undo.

They belong to no phase: they are remembered as `vectors`, and withdrawn before isolation is undone.
"""

from collections.abc import Callable, Mapping
from typing import Any

from psycopg.sql import Composable

from migrations_ops.engine import ddl
from migrations_ops.engine.session import Session
from migrations_ops.engine.steps import SavedState, Statement
from migrations_ops.rules.model import TENANT_COLUMN, Plan
from migrations_ops.vectors.catalogue import QUERIES, VectorIndex, extension
from migrations_ops.vectors.measure import Tenant
from vital.db import sql
from vital.db.sql import shown

KEY = "vectors"
POLICY = "vital_tenant_size"
Waiting = Callable[[str], None]


def _query(name: str, /, **parts: Composable) -> Composable:
    return sql.unbound(sql.statement_of(QUERIES[name]), **parts)


def sees_size(plan: Plan, relation: str) -> Statement:
    """The planner knows how many rows the tenant has, and reads a small one's rows by the index on the tenant column,
    which is exact and takes less time."""
    tenant = sql.ident(TENANT_COLUMN)
    if plan.table(relation).shared:
        condition = _query("own_and_shared_size", tenant=tenant, platform=sql.literal(plan.platform_id))
    else:
        condition = _query("own_size", tenant=tenant)
    parts = {"relation": sql.relation(relation), "policy": sql.ident(POLICY)}
    return Statement(
        name=f"the planner sees the size of a tenant in {shown(relation)}",
        relation=relation,
        is_applied=_query("size_of_tenant_is_seen", name=sql.literal(relation), policy_name=sql.literal(POLICY)),
        saved_state=_query("of_kind", kind=sql.literal("policy"), name=sql.literal(POLICY)),
        up=(_query("see_size_of_tenant", condition=condition, **parts),),
        down=lambda _: _way_back(relation, {"kind": "policy", "name": POLICY}, ""),
        locks=(relation,),
    )


def setting(database: str, name: str, value: str) -> Statement:
    """A setting of the database, for every session that begins after it."""
    parts = {"database": sql.ident(database), "setting": sql.ident(*name.split("."))}
    return Statement(
        name=f"the database has {name}",
        is_applied=_query("is_set_for_database", entry=sql.literal(f"{name}={value}")),
        saved_state=_query("setting_before", name=sql.literal(name)),
        up=(_query("set_for_database", value=sql.literal(value), **parts),),
        down=lambda before: _way_back("", before, database),
    )


def for_tenant(index: VectorIndex, body: str, tenant: Tenant) -> Statement:
    """An index of one tenant's rows, like the one of everybody's."""
    name = sql.fitting(f"{index.name}_{tenant.id}")
    spelled = sql.spelled(index.schema, name)
    gone = _query("drop_for_tenant", index=sql.ident(index.schema, name))
    parts = {"relation": sql.relation(index.relation), "tenant": sql.ident(TENANT_COLUMN)}
    build = _query(
        "build_for_tenant", index=sql.ident(name), body=sql.verbatim(body), key=sql.literal(tenant.id), **parts
    )
    return Statement(
        name=f"{shown(index.relation)} has an index of {tenant.id}'s vectors like {index.name}",
        relation=index.relation,
        is_applied=lambda session: bool(session.named("is_valid_index", {"index": spelled})),
        saved_state=_query("of_kind", kind=sql.literal("index"), name=sql.literal(spelled)),
        repair=gone,
        up=(build,),
        down=lambda _: (gone,),
        online=True,
        locks=(index.relation,),
    )


def body_of(session: Session, index: VectorIndex) -> str:
    return str(session.value(_query("body_of_index", index_name=sql.literal(index.full_name))))


def this_database(session: Session) -> str:
    return str(session.value(QUERIES["this_database"]))


def apply(session: Session, statement: Statement, waiting: Waiting) -> None:
    ddl.apply(session, KEY, int(session.value(QUERIES["last_run"])), statement, waiting)


def withdraw(session: Session, statement: Statement, waiting: Waiting) -> None:
    ddl.undo(session, KEY, statement, waiting)


def withdraw_all(session: Session, waiting: Waiting) -> list[str]:
    """Everything of it, the latest first; returns what it was."""
    standing = _standing(session)
    if any(_is_setting(one.name) for one in standing):
        extension(session)  # its library must be loaded, or an owner may not say what its settings were
    for statement in standing:
        withdraw(session, statement, waiting)
    return [statement.name for statement in standing]


def _is_setting(name: str) -> bool:
    return name.startswith("the database has ")


def _standing(session: Session) -> list[Statement]:
    """As they were noted, whatever the plan and the indexes are by now."""
    database = this_database(session)
    found = session.execute(QUERIES["changes_for_vectors"], {"phase": KEY})
    return [_noted(name, relation, memo or {}, database) for name, relation, memo in found]


def _noted(name: str, relation: str, memo: Mapping[str, Any], database: str) -> Statement:
    return Statement(
        name=name,
        relation=relation,
        is_applied=lambda _: True,
        up=(),
        down=lambda before: _way_back(relation, before, database),
        online=memo.get("kind") == "index",
        locks=(relation,) if relation else (),
    )


def _way_back(relation: str, before: SavedState, database: str) -> tuple[Composable, ...]:
    if before["kind"] == "policy":
        return (_query("see_size_no_more", relation=sql.relation(relation), policy=sql.ident(before["name"])),)
    if before["kind"] == "index":
        return (_query("drop_for_tenant", index=sql.ident(*sql.names(before["name"]))),)
    parts = {"database": sql.ident(database), "setting": sql.ident(*before["name"].split("."))}
    if before["before"] is None:
        return (_query("reset_for_database", **parts),)
    return (_query("set_for_database", value=sql.literal(before["before"]), **parts),)
