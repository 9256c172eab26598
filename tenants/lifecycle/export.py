"""A tenant's rows into one archive, as they were at one moment. It only reads."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tenants.inventory import TENANT_COLUMN, Inventory
from tenants.lifecycle import archive, registry
from tenants.lifecycle.archive import Manifest, Table
from tenants.lifecycle.queries import QUERIES
from vital.db import sql
from vital.db.introspection import ForeignKey, foreign_keys_between
from vital.db.session import Session
from vital.db.sql import shown
from vital.errors import EngineError

Say = Callable[[str], None]


class PlatformIsNoTenant(EngineError):
    """{name} is the Platform, whose rows everybody shares: it does not leave, and there is one. Nothing was written."""

    exit_code = 2


def export(session: Session, inventory: Inventory, slug: str, file: Path, who: str, say: Say) -> Manifest:
    """Write the tenant's archive, or nothing. Raises NoSuchTenant, PlatformIsNoTenant, ArchiveIsThere, NotWritten."""
    record = registry.find(session, inventory, slug)
    if record.id == inventory.platform_id:
        raise PlatformIsNoTenant(name=record.slug)
    info = session.connection.info
    taken_at = datetime.now(UTC).isoformat(timespec="seconds")
    server = info.parameter_status("server_version") or ""
    manifest = Manifest(record, info.dbname, server, taken_at, who)
    with archive.written(file) as pack, session.one_moment(), session.work():
        manifest.aliases = registry.aliases_of(session, record.id)
        for table in tables(session, inventory, record.id):
            say(f"{shown(table.relation)}: {table.rows:,} rows")
            pack.add(table, _lines(session, table, record.id))
            manifest.tables.append(table)
        pack.close(manifest)
    return manifest


def tables(session: Session, inventory: Inventory, tenant: str) -> list[Table]:
    """Every table that has rows by tenant, with what this one has in it; parents first. In a transaction."""
    keys = keys_by_table(inventory)
    there = {name: session.columns(name) for name in keys}
    there = {name: columns for name, columns in there.items() if TENANT_COLUMN in [column.name for column in columns]}
    links = foreign_keys_between(session, there)
    found = {}
    for relation, columns in there.items():
        rows, fingerprint = session.execute(
            _of(relation, "content_of_tenant", tenant, hash=sql.row_hash("t", columns))
        )[0]
        kinds = {column.name: column.kind for column in columns}
        found[relation] = Table(relation, keys[relation], kinds, rows, fingerprint)
    for link in links:
        needed = session.execute(_referred(inventory, found, tenant, link))
        if needed:
            known = found[link.child].needs.setdefault(link.parent, [])
            known += [one for (one,) in needed if one not in known]
    return [found[name] for name in parents_first(list(found), [(link.child, link.parent) for link in links])]


def keys_by_table(inventory: Inventory) -> dict[str, list[str]]:
    """The tables that may have rows by tenant, those of VITAL's making too, with the key of each."""
    return {table.relation: list(table.key) for table in inventory.tables}


def parents_first(names: list[str], references: list[tuple[str, str]]) -> list[str]:
    """The tables, each after those that it refers to, as far as they form no circle."""
    left, ordered = list(names), list[str]()
    while left:
        waits = {child for child, parent in references if parent in left and parent != child}
        ready = [name for name in left if name not in waits] or left[:1]
        ordered += ready
        left = [name for name in left if name not in ready]
    return ordered


def _lines(session: Session, table: Table, tenant: str) -> Iterator[str]:
    key = sql.key_text("t", tuple(table.key))
    for (line,) in session.stream(_of(table.relation, "rows_of_tenant", tenant, key=key)):
        yield line


def _of(relation: str, name: str, tenant: str, **parts: Any) -> Any:
    own = {"relation": sql.relation(relation), "tenant": sql.ident(TENANT_COLUMN), "id": sql.literal(tenant)}
    return sql.compose(QUERIES[name], **own, **parts)


def _referred(inventory: Inventory, found: dict[str, Table], tenant: str, link: ForeignKey) -> Any:
    return sql.compose(
        QUERIES["others_referred_to"],
        key=sql.key_text("t", tuple(found[link.parent].key)),
        child=sql.relation(link.child),
        parent=sql.relation(link.parent),
        same=sql.same_values("t", link.key, "c", link.own),
        tenant=sql.ident(TENANT_COLUMN),
        id=sql.literal(tenant),
        platform=sql.literal(inventory.platform_id),
    )


def content_now(session: Session, inventory: Inventory, tenant: str) -> dict[str, tuple[int, str]]:
    """Table → rows and fingerprint of the tenant, as they are now. In a transaction."""
    return {table.relation: (table.rows, table.fingerprint) for table in tables(session, inventory, tenant)}
