"""A tenant leaves for good: its rows, its access and its record, once an archive holds exactly what it has now."""

from pathlib import Path
from typing import Any

import psycopg

from migrations_ops.engine import sql
from migrations_ops.engine.errors import EngineError
from migrations_ops.engine.session import Session
from migrations_ops.life import registry, unpacking
from migrations_ops.life.archive import Table
from migrations_ops.life.exporting import Say, tables
from migrations_ops.life.queries import QUERIES, ask
from migrations_ops.life.registry import Record
from migrations_ops.phases.queries import query
from migrations_ops.reading import shown
from migrations_ops.rules.model import TENANT_COLUMN, Plan

FORGOTTEN = ("forget_access", "forget_hosts", "forget_registered")


class NotToRemove(EngineError):
    """{slug} cannot be removed: {why}. Nothing was changed."""

    exit_code = 2


def refuse(plan: Plan, record: Record, tenant: str) -> None:
    """Raise NotToRemove where the tenant must stay, whatever an archive holds; `tenant` is the archive's."""
    why = ""
    if record.id == plan.platform_id:
        why = "it is the Platform, whose rows everybody shares"
    elif record.id in [one.id for one in plan.tenants]:
        why = "the plan gives rows to it; take it out of the plan first, or the next run would have nowhere to put them"
    elif record.is_active:
        why = f'it is active; first: manage.py tenants suspend {record.slug} --reason "…"'
    elif tenant != record.id:
        why = "the archive is another tenant's"
    if why:
        raise NotToRemove(slug=record.slug, why=why)


def remove(session: Session, plan: Plan, slug: str, file: Path, who: str, reason: str, say: Say) -> dict[str, Any]:
    """Take the tenant out, all in one transaction; what is left is a line in the audit, with the archive's digest.

    Raises NoSuchTenant, NoArchive, NotToRemove, NoReason.
    """
    record = registry.find(session, plan, slug)
    with unpacking.opened(file) as held:
        manifest = held.manifest
        refuse(plan, record, manifest.tenant.id)
        kept = {table.relation: (table.rows, table.fingerprint) for table in manifest.tables}
    facts: dict[str, Any] = {"tenant": record.id, "slug": record.slug, "name": record.name}
    facts |= {"rows": manifest.rows, "archive": held.digest}
    try:  # in one moment: what is written meanwhile is not lost unseen
        with session.one_moment(), registry.changing(session, who, "remove tenant", reason, facts):
            found = tables(session, plan, record.id)
            _refuse_what_the_archive_lacks(record, file, kept, found)
            _refuse_what_others_refer_to(session, record, found)
            for table in reversed(found):
                say(f"{shown(table.relation)}: {table.rows:,} rows")
                ask(session, "take_rows_out", **_own(table.relation, record.id))
            ask(session, "forget_decisions", {"id": record.id})
            ask(session, "forget_record", {"id": record.id}, registry=sql.relation(plan.registry))
            ask(session, "put_on_who_may")
            for statement in FORGOTTEN:
                ask(session, statement, {"id": record.id})
    except psycopg.errors.ForeignKeyViolation as error:
        raise NotToRemove(slug=slug, why=error.diag.message_primary or "something refers to it") from error
    except psycopg.errors.SerializationFailure as error:
        raise NotToRemove(slug=slug, why="somebody writes its rows just now; export it again") from error
    return facts


def _refuse_what_the_archive_lacks(
    record: Record, file: Path, kept: dict[str, tuple[int, str]], found: list[Table]
) -> None:
    for table in found:
        if kept.get(table.relation, (0, "0")) != (table.rows, table.fingerprint):
            why = f"its {shown(table.relation)} are not what {file.name} holds any more: export it again"
            raise NotToRemove(slug=record.slug, why=why)


def _refuse_what_others_refer_to(session: Session, record: Record, found: list[Table]) -> None:
    names = sql.literal([table.relation for table in found])
    for child, own, parent, key in session.execute(query("foreign_keys_between", tables=names)):
        pairs = zip(key, own, strict=True)
        same = [sql.compose("{a} = {b}", a=sql.column("t", a), b=sql.column("c", b)) for a, b in pairs]
        parts = {"child": sql.relation(child), "parent": sql.relation(parent), "same": sql.join(same, " AND ")}
        parts |= {"tenant": sql.ident(TENANT_COLUMN), "id": sql.literal(record.id)}
        ((count,),) = session.execute(sql.compose(QUERIES["refer_into"], **parts))
        if count:
            why = f"{count:,} {shown(child)} of others refer to its {shown(parent)} by {', '.join(own)}"
            raise NotToRemove(slug=record.slug, why=why)


def _own(relation: str, tenant: str) -> dict[str, Any]:
    return {"relation": sql.relation(relation), "tenant": sql.ident(TENANT_COLUMN), "id": sql.literal(tenant)}
