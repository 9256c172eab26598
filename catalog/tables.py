"""The twelve legacy tables: their names, and the statements that filling them needs."""

from collections.abc import Sequence

from django.db.backends.utils import CursorWrapper
from psycopg import sql

from catalog.errors import NotEmptyError, TablesMissingError

SCHEMA = "public"

# An order that satisfies every foreign key; `users` also needs its rows in auth.users first.
LOAD_ORDER = (
    "tenants",
    "users",
    "tool_categories",
    "tools",
    "agents",
    "agent_tool_assignments",
    "prompts",
    "knowledge_domains",
    "knowledge_sources",
    "knowledge_base",
    "conversations",
    "messages",
)


def present(cursor: CursorWrapper) -> list[str]:
    """Those of the twelve that exist in schema public, in load order; a view of that name counts."""
    cursor.execute(
        "SELECT c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = %s AND c.relname = ANY(%s)",
        [SCHEMA, list(LOAD_ORDER)],
    )
    found = {name for (name,) in cursor.fetchall()}
    return [table for table in LOAD_ORDER if table in found]


def claim_empty(cursor: CursorWrapper) -> None:
    """Make sure that all twelve exist without a row, and that nobody else fills them before this transaction ends.

    Raises TablesMissingError or NotEmptyError, naming the tables.
    """
    found = present(cursor)
    missing = [table for table in LOAD_ORDER if table not in found] if found else ["the twelve legacy tables"]
    cursor.execute("SELECT pg_catalog.to_regclass('auth.users') IS NULL")
    if cursor.fetchone() == (True,):
        missing.append("auth.users")
    if missing:
        raise TablesMissingError(names=", ".join(missing))
    names = sql.SQL(", ").join(map(identifier, LOAD_ORDER))
    cursor.execute("SET LOCAL lock_timeout = '10s'")
    cursor.execute(sql.SQL("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE").format(names))
    if filled := [table for table in LOAD_ORDER if _has_rows(cursor, table)]:
        raise NotEmptyError(names=", ".join(filled))


def columns(cursor: CursorWrapper, table: str) -> set[str]:
    """The names of the table's columns."""
    cursor.execute(
        "SELECT attname FROM pg_catalog.pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped",
        [f"{SCHEMA}.{table}"],
    )
    return {name for (name,) in cursor.fetchall()}


def add_logins(cursor: CursorWrapper, logins: Sequence[tuple[str, str | None]]) -> None:
    """Rows (id, email) for auth.users, to which `users` refers; those it has already stay as they are."""
    cursor.execute(
        "INSERT INTO auth.users (id, email) SELECT * FROM unnest(%s::uuid[], %s::text[]) ON CONFLICT (id) DO NOTHING",
        [[identity for identity, _ in logins], [email for _, email in logins]],
    )


def copy_from_stdin(table: str, names: Sequence[str], options: str = "") -> sql.Composed:
    """The COPY statement for these columns; `options` is its WITH clause."""
    listed = sql.SQL(", ").join(map(sql.Identifier, names))
    return sql.SQL("COPY {} ({}) FROM STDIN {}").format(identifier(table), listed, sql.SQL(options))


def analyze(cursor: CursorWrapper) -> None:
    """Tell the planner what has been loaded, before it guesses from tables that were empty."""
    cursor.execute(sql.SQL("ANALYZE {}").format(sql.SQL(", ").join(map(identifier, LOAD_ORDER))))


def identifier(table: str) -> sql.Identifier:
    return sql.Identifier(SCHEMA, table)


def _has_rows(cursor: CursorWrapper, table: str) -> bool:
    cursor.execute(sql.SQL("SELECT EXISTS (SELECT 1 FROM {})").format(identifier(table)))
    return bool(cursor.fetchone() == (True,))
