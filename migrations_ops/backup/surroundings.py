"""What a copy leans on and has not: a provider's schemas, made in a scratch database as far as they are named.

Supabase's `auth` is an example: policies call `auth.uid()`, and `public.users` refers to `auth.users`.
"""

from collections.abc import Collection

import psycopg

from migrations_ops.backup.table_contents import QUERIES
from migrations_ops.engine.session import Session
from vital.db import sql


def make(source: Session, copy: Session, left: Collection[str]) -> None:
    """What cannot be made here is missed by the restore if it is needed, which then says so."""
    copy.execute(QUERIES["unchecked_bodies"])
    for statement, schema in source.execute(QUERIES["surrounding_extensions"]):
        copy.execute(sql.compose(QUERIES["make_schema"], schema=sql.ident(schema), owner=sql.raw("CURRENT_USER")))
        _try(copy, statement)
    for schema in left:
        copy.execute(sql.compose(QUERIES["make_schema"], schema=sql.ident(schema), owner=sql.raw("CURRENT_USER")))
    for (statement,) in source.execute(QUERIES["surrounding_things"], {"left": list(left)}):
        _try(copy, statement)
    for parent, columns, origin, its_columns in source.execute(QUERIES["surrounding_keys"], {"left": list(left)}):
        _copy_keys(source, copy, (origin, its_columns), (parent, columns))


def left_out_extensions(source: Session, copy: Session, left: Collection[str]) -> tuple[list[str], list[str]]:
    """(extensions that the copy has already, extensions that it cannot have and that nothing of it leans on)"""
    there = [name for (name,) in copy.execute(QUERIES["extensions_there"])]
    spare = [name for (name,) in source.execute(QUERIES["extensions_to_spare"], {"left": list(left)})]
    return there, [name for name in spare if name not in there]


def hold_on(source: Session, copy: Session, left: Collection[str]) -> None:
    """The provider's triggers call functions of the backup, once these are there."""
    for (statement,) in source.execute(QUERIES["surrounding_triggers"], {"left": list(left)}):
        _try(copy, statement)


def _try(copy: Session, statement: str) -> None:
    try:
        copy.execute(sql.verbatim(statement))
    except psycopg.DatabaseError:
        return


def _copy_keys(source: Session, copy: Session, origin: tuple[str, list[str]], place: tuple[str, list[str]]) -> None:
    read, write = (
        sql.text_of(
            sql.compose(QUERIES[name], table=sql.relation(table), columns=sql.join(sql.ident(one) for one in columns))
        ).encode()
        for name, (table, columns) in (("read_keys", origin), ("write_keys", place))
    )
    with (
        source.connection.cursor() as reader,
        copy.connection.cursor() as writer,
        reader.copy(read) as rows,
        writer.copy(write) as into,
    ):
        for block in rows:
            into.write(block)
