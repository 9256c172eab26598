"""A tenant out of its archive into this platform: all of it, compared with the archive, or nothing."""

from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import psycopg

from migrations_ops.engine import sql
from migrations_ops.engine.errors import EngineError
from migrations_ops.engine.session import Session
from migrations_ops.life import archive, registry
from migrations_ops.life.archive import Manifest, Table
from migrations_ops.life.exporting import Say, content_now
from migrations_ops.life.queries import ask
from migrations_ops.life.registry import Record
from migrations_ops.reading import shown
from migrations_ops.rules.model import Plan

AT_ONCE = 1_000
NAMED = 5


class NotToImport(EngineError):
    """The tenant of {file} cannot be imported: {why}. Nothing was changed."""


def bring_in(
    session: Session, plan: Plan, file: Path, who: str, reason: str, say: Say, *, slug: str = "", dry_run: bool = False
) -> tuple[Record, Manifest]:
    """Make the tenant with the archive's id, settings and rows, in one transaction; `slug` names it otherwise.

    Raises NoArchive, NotToImport, NotToAdd, NoReason.
    """
    with archive.opened(file) as (manifest, pack):
        record = Record(**manifest.tenant)
        record = replace(record, slug=slug, domain=None) if slug else record
        facts: dict[str, Any] = {"tenant": record.id, "slug": record.slug, "rows": manifest.rows}
        facts["archive"] = archive.digest_of(file)
        try:
            with registry.changing(session, who, "import tenant", reason, facts, dry_run=dry_run):
                _refuse_what_does_not_fit(session, file, manifest)
                registry.enter(session, plan, record)
                registry.write(session, plan, record)
                for table in manifest.tables:
                    say(f"{shown(table.relation)}: {table.rows:,} rows")
                    _put(session, file, pack, table)
                _compare(session, plan, file, manifest)
        except (psycopg.IntegrityError, psycopg.DataError) as error:
            raise NotToImport(file=file, why=told(error)) from error
    return record, manifest


def _refuse_what_does_not_fit(session: Session, file: Path, manifest: Manifest) -> None:
    """Raise NotToImport where a table or column is another here, or a row of the Platform's is missing."""
    for table in manifest.tables:
        here = {column.name: column.kind for column in session.columns(table.relation)}
        other = [name for name, kind in table.columns.items() if here.get(name) != kind]
        if other and table.rows:
            what = f"{shown(table.relation)} has no column {other[0]} of type {table.columns[other[0]]} here"
            raise NotToImport(file=file, why=what if here else f"there is no table {shown(table.relation)} here")
        for parent, keys in table.needs.items():
            _refuse_missing(session, file, table, parent, keys, manifest)


def _refuse_missing(
    session: Session, file: Path, table: Table, parent: str, keys: list[str], manifest: Manifest
) -> None:
    key = next(one.key for one in manifest.tables if one.relation == parent)
    same = sql.key_equals("t", session.typed_key(parent, tuple(key)), sql.column("given", "key"))
    lacking = ask(session, "missing_keys", {"keys": keys}, relation=sql.relation(parent), same_row=same)
    if lacking:
        others = f"{shown(parent)} of the Platform's that are not here"
        raise NotToImport(file=file, why=f"its {shown(table.relation)} refer to {others}: {_first(lacking)}")


def _put(session: Session, file: Path, pack: ZipFile, table: Table) -> None:
    """Rows of a table that refers to itself go in at once, so that none comes before what it refers to."""
    relation = sql.relation(table.relation)
    same = [sql.compose("{t} = {g}", t=sql.column("t", name), g=sql.column("given", name)) for name in table.key]
    key = {"key": sql.key_text("t", tuple(table.key)), "same": sql.join(same, " AND ")}
    columns = [name for (name,) in ask(session, "written_columns", {"relation": table.relation})]
    wanted = sql.join([sql.ident(name) for name in columns if name in table.columns])
    lines = archive.lines_of(pack, table)
    while batch := list(islice(lines, AT_ONCE if not _refers_to_itself(session, table) else None)):
        rows = {"rows": f"[{','.join(batch)}]"}
        if taken := ask(session, "keys_that_are_there", rows, relation=relation, **key):
            raise NotToImport(file=file, why=f"{shown(table.relation)} has these keys already: {_first(taken)}")
        ask(session, "put_rows", rows, relation=relation, columns=wanted)


def _refers_to_itself(session: Session, table: Table) -> bool:
    return bool(ask(session, "refers_to_itself", {"relation": table.relation})[0][0])


def _compare(session: Session, plan: Plan, file: Path, manifest: Manifest) -> None:
    """Raise NotToImport where what is here now is not what the archive holds: a trigger may have changed it."""
    now = content_now(session, plan, manifest.tenant["id"])
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


def told(error: psycopg.Error) -> str:
    """What the server said, in one line."""
    words = [error.diag.message_primary or str(error), error.diag.message_detail or ""]
    return " ".join(word.rstrip(".") for word in words if word)
