"""A tenant out of its archive into this platform: all of it, compared with the archive, or nothing."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg

from tenants.inventory import Inventory
from tenants.lifecycle import references, registry, rows, unpacking
from tenants.lifecycle.archive import Manifest, Table
from tenants.lifecycle.export import Say, content_now, keys_by_table
from tenants.lifecycle.queries import ask
from tenants.lifecycle.registry import Record
from tenants.lifecycle.rows import AT_ONCE, BYTES
from tenants.lifecycle.unpacking import Archive
from vital.db import sql
from vital.db.introspection import foreign_keys
from vital.db.session import Session
from vital.db.sql import shown
from vital.errors import EngineError, Problem

TOGETHER = 256 << 20  # bytes of a table whose rows refer to one another: they go in with one statement
NAMED = 5


class NotToImport(EngineError):
    """The tenant of {file} cannot be imported: {why}. Nothing was changed."""


class RefersToOthers(EngineError):
    """The tenant of {file} cannot be imported: {count} of its rows are not its own affair alone. Nothing was changed. A
    row may refer to rows of its own tenant and of the Platform. Correct these where the archive was exported, and
    export again."""


def bring_in(
    session: Session,
    inventory: Inventory,
    file: Path,
    who: str,
    reason: str,
    say: Say,
    *,
    slug: str = "",
    dry_run: bool = False,
) -> tuple[Record, Manifest]:
    """Make the tenant with the archive's id, settings and rows, in one transaction; `slug` names it otherwise.

    Raises NoArchive, NotToImport, RefersToOthers, NotToAdd, ReasonRequired.
    """
    with unpacking.opened(file) as archive:
        manifest = archive.manifest
        record = replace(manifest.tenant, slug=slug, domain=None) if slug else manifest.tenant
        facts: dict[str, Any] = {"tenant": record.id, "slug": record.slug, "rows": manifest.rows}
        facts["archive"] = archive.digest
        try:
            with registry.changing(session, who, "import tenant", reason, facts, dry_run=dry_run):
                _refuse_what_does_not_fit(session, inventory, file, manifest)
                registry.refuse(session, inventory, record)
                _refuse_rows(session, inventory, file, archive)
                registry.enter(session, inventory, record)
                _enter_aliases(session, inventory, file, manifest)
                registry.write(session, inventory, record)
                for table in manifest.tables:
                    say(f"{shown(table.relation)}: {table.rows:,} rows")
                    _put(session, file, archive, table)
                _compare(session, inventory, file, manifest)
        except (psycopg.IntegrityError, psycopg.DataError, *TOO_MUCH) as error:
            raise NotToImport(file=file, why=database_message(error)) from error
    return record, manifest


def _enter_aliases(session: Session, inventory: Inventory, file: Path, manifest: Manifest) -> None:
    """Raise NotToImport where a further id of the tenant's is somebody's here."""
    for alias in manifest.aliases:
        if holder := registry.holder_of_id(session, inventory, alias):
            raise NotToImport(file=file, why=f"its further id {alias} belongs to {holder}")
        ask(session, "add_alias", {"alias": alias, "id": manifest.tenant.id})


# JSON that is nested more deeply than the server follows, more columns than it has.
TOO_MUCH = (psycopg.errors.ProgramLimitExceeded, psycopg.errors.StatementTooComplex, psycopg.errors.TooManyColumns)


def _refuse_what_does_not_fit(session: Session, inventory: Inventory, file: Path, manifest: Manifest) -> None:
    """Raise NotToImport where a table or column is another here, or a row of the Platform's is missing."""
    known = keys_by_table(inventory)
    for table in manifest.tables:
        if known.get(table.relation) != table.key:
            words = "is no table of the plan here" if table.relation not in known else "has another key here"
            raise NotToImport(file=file, why=f"{shown(table.relation)} {words}")
        here = {column.name: column.kind for column in session.columns(table.relation)}
        other = [name for name, kind in table.columns.items() if here.get(name) != kind]
        if other and table.rows:
            what = f"{shown(table.relation)} has no column {other[0]} of type {table.columns[other[0]]} here"
            raise NotToImport(file=file, why=what if here else f"there is no table {shown(table.relation)} here")
    for table in manifest.tables:
        for parent, keys in table.needs.items():
            _refuse_missing(session, file, table, parent, keys, known[parent])


def _refuse_missing(session: Session, file: Path, table: Table, parent: str, keys: list[str], key: list[str]) -> None:
    same = sql.key_equals("t", session.typed_key(parent, tuple(key)), sql.column("given", "key"))
    known = ask(session, "keys_of_rows", {"keys": keys}, relation=sql.relation(parent), same_row=same)
    if lacking := sorted({(one,) for one in keys} - {*known}):
        others = f"{shown(parent)} of the Platform's that are not here"
        raise NotToImport(file=file, why=f"its {shown(table.relation)} refer to {others}: {_first(lacking)}")


def _refuse_rows(session: Session, inventory: Inventory, file: Path, archive: Archive) -> None:
    """Before anything is written, raise NotToImport where a row is here already, and RefersToOthers with the first
    rows that refer to others': whatever is here by now and is not the Platform's is somebody else's."""
    found, count = list[Problem](), 0
    for table in archive.manifest.tables:
        leads = references.of_table(session, inventory, table.relation)
        loose = references.followers(session, inventory, table.relation)
        for lines in _batches(archive.lines(table)):
            _refuse_taken(session, file, table, lines)
            about = (table.relation, tuple(table.key), lines, archive.manifest.tenant.id)
            for problem in references.problems(session, inventory, *about, leads, loose):
                count += 1
                found += [problem] if count <= references.AT_ONCE else []
    if count:
        raise RefersToOthers(file=file, count=f"{count:,}", problems=found)


def _refuse_taken(session: Session, file: Path, table: Table, lines: list[str]) -> None:
    same = [sql.compose("{t} = {g}", t=sql.column("t", name), g=sql.column("given", name)) for name in table.key]
    key = {"key": sql.key_text("t", tuple(table.key)), "same": sql.join(same, " AND ")}
    relation = sql.relation(table.relation)
    if taken := ask(session, "keys_that_are_there", {"rows": lines}, relation=relation, **key):
        raise NotToImport(file=file, why=f"{shown(table.relation)} has these keys already: {_first(taken)}")


def _put(session: Session, file: Path, archive: Archive, table: Table) -> None:
    """Rows of a table that refers to itself go in at once, so that none comes before what it refers to."""
    columns = [one for one in session.columns(table.relation) if not one.is_generated and one.name in table.columns]
    wanted = rows.texts(sql.column("given", column.name) for column in columns)
    lines = archive.lines(table)
    for batch in _together(file, table, lines) if refers_to_itself(session, table.relation) else _batches(lines):
        read = ask(session, "rows_of_lines", {"rows": batch}, relation=sql.relation(table.relation), values=wanted)
        rows.put(session, table.relation, columns, read)


def _batches(lines: Iterator[str]) -> Iterator[list[str]]:
    """So many rows that neither they nor their bytes are many."""
    batch, size = list[str](), 0
    for line in lines:
        batch.append(line)
        size += len(line)
        if len(batch) == AT_ONCE or size > BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _together(file: Path, table: Table, lines: Iterator[str]) -> Iterator[list[str]]:
    batch, size = list[str](), 0
    for line in lines:
        batch.append(line)
        size += len(line)
        if size > TOGETHER:
            what = (
                f"{shown(table.relation)}, whose rows refer to one another, has more than {TOGETHER >> 20} MiB of them"
            )
            raise NotToImport(file=file, why=what)
    if batch:
        yield batch


def refers_to_itself(session: Session, relation: str) -> bool:
    """Whether rows of the table may refer to one another."""
    return bool(foreign_keys(session, [relation], [relation]))


def _compare(session: Session, inventory: Inventory, file: Path, manifest: Manifest) -> None:
    """Raise NotToImport where what is here now is not what the archive holds: a trigger may have changed it."""
    now = content_now(session, inventory, manifest.tenant.id)
    for table in manifest.tables:
        if now.get(table.relation, (0, "0")) != (table.rows, table.fingerprint):
            why = (
                f"{shown(table.relation)} would not be what the archive holds; a trigger or a default here changes rows"
            )
            raise NotToImport(file=file, why=why)


def _first(keys: list[tuple[Any, ...]]) -> str:
    """The first few, and how many more there are."""
    more = f" and {len(keys) - NAMED} more" if len(keys) > NAMED else ""
    return ", ".join(key for (key,) in keys[:NAMED]) + more


def database_message(error: psycopg.Error) -> str:
    """What the server said, in one line."""
    words = [error.diag.message_primary or str(error), error.diag.message_detail or ""]
    return " ".join(word.rstrip(".") for word in words if word)
