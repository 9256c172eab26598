"""A tenant leaves for good: its rows, its access and its record, once an archive holds exactly what it has now."""

from pathlib import Path
from typing import Any

import psycopg

from tenants.inventory import TENANT_COLUMN, Inventory
from tenants.lifecycle import registry, unpacking
from tenants.lifecycle.archive import Table
from tenants.lifecycle.export import Say, tables
from tenants.lifecycle.queries import QUERIES, ask
from tenants.lifecycle.registry import Record
from vital.db import sql
from vital.db.introspection import foreign_keys_between
from vital.db.session import Session
from vital.db.sql import shown
from vital.errors import EngineError

FORGOTTEN = ("forget_access", "forget_hosts", "forget_aliases", "forget_registered")


class NotToRemove(EngineError):
    """{slug} cannot be removed: {why}. Nothing was changed."""

    exit_code = 2


def refuse(inventory: Inventory, record: Record, tenant: str) -> None:
    """Raise NotToRemove where the tenant must stay, whatever an archive holds; `tenant` is the archive's."""
    why = ""
    if record.id == inventory.platform_id:
        why = "it is the Platform, whose rows everybody shares"
    elif record.id in inventory.tenants:
        why = "the plan gives rows to it; take it out of the plan first, or the next run would have nowhere to put them"
    elif record.is_active:
        why = f'it is active; first: ./manage.py tenants suspend {record.slug} --reason "…"'
    elif tenant != record.id:
        why = "the archive is another tenant's"
    if why:
        raise NotToRemove(slug=record.slug, why=why)


def remove(
    session: Session, inventory: Inventory, slug: str, file: Path, who: str, reason: str, say: Say
) -> dict[str, Any]:
    """Take the tenant out, all in one transaction; what is left is a line in the audit, with the archive's digest.

    Raises NoSuchTenant, NoArchive, NotToRemove, ReasonRequired.
    """
    record = registry.find(session, inventory, slug)
    with unpacking.opened(file) as held:
        manifest = held.manifest
        refuse(inventory, record, manifest.tenant.id)
        kept = {table.relation: (table.rows, table.fingerprint) for table in manifest.tables}
    facts: dict[str, Any] = {"tenant": record.id, "slug": record.slug, "name": record.name}
    facts |= {"rows": manifest.rows, "archive": held.digest}
    try:  # in one moment: what is written meanwhile is not lost unseen
        with session.one_moment(), registry.changing(session, who, "remove tenant", reason, facts):
            found = tables(session, inventory, record.id)
            _refuse_what_the_archive_lacks(record, file, kept, found)
            _refuse_what_others_refer_to(session, record, found)
            for table in reversed(found):
                say(f"{shown(table.relation)}: {table.rows:,} rows")
                ask(session, "take_rows_out", **_own(table.relation, record.id))
            ask(session, "forget_decisions", {"id": record.id})
            ask(session, "forget_record", {"id": record.id}, registry=sql.relation(inventory.registry))
            ask(session, "put_on_who_may")
            for statement in FORGOTTEN:
                ask(session, statement, {"id": record.id})
    except psycopg.errors.ForeignKeyViolation as error:
        raise NotToRemove(slug=slug, why=error.diag.message_primary or "something refers to it") from error
    except psycopg.errors.SerializationFailure as error:
        raise NotToRemove(slug=slug, why="another session writes its rows just now; export it again") from error
    return facts


def _refuse_what_the_archive_lacks(
    record: Record, file: Path, kept: dict[str, tuple[int, str]], found: list[Table]
) -> None:
    for table in found:
        if kept.get(table.relation, (0, "0")) != (table.rows, table.fingerprint):
            why = f"its {shown(table.relation)} are not what {file.name} holds any more: export it again"
            raise NotToRemove(slug=record.slug, why=why)


def _refuse_what_others_refer_to(session: Session, record: Record, found: list[Table]) -> None:
    names = [table.relation for table in found]
    for link in foreign_keys_between(session, names):
        parts = {
            "child": sql.relation(link.child),
            "parent": sql.relation(link.parent),
            "same": sql.same_values("t", link.key, "c", link.own),
        }
        parts |= {"tenant": sql.ident(TENANT_COLUMN), "id": sql.literal(record.id)}
        ((count,),) = session.execute(sql.compose(QUERIES["refer_into"], **parts))
        if count:
            why = f"{count:,} {shown(link.child)} of others refer to its {shown(link.parent)} by {', '.join(link.own)}"
            raise NotToRemove(slug=record.slug, why=why)


def _own(relation: str, tenant: str) -> dict[str, Any]:
    return {"relation": sql.relation(relation), "tenant": sql.ident(TENANT_COLUMN), "id": sql.literal(tenant)}
