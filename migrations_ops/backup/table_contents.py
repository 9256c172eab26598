"""What every table holds, seen whole: while isolation is on as vital_operator, whose policy shows every row."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg

from migrations_ops.backup.manifest import Content
from migrations_ops.engine.session import Session
from vital.db import sql
from vital.errors import EngineError

QUERIES = sql.load(Path(__file__).parent / "sql")


class RowsHidden(EngineError):
    """Row level security hides rows of {table} from this role ({why}), so that they would be missing. Nothing was
    written. Let a role with BYPASSRLS do it, or the owner of the tables as a member of vital_operator alone."""

    exit_code = 2


class NotReadable(EngineError):
    """{table} cannot be read: {reason}. Nothing was written. Let a role do it that may read every table."""

    exit_code = 2


@contextmanager
def snapshot(session: Session) -> Iterator[str]:
    """One transaction that only reads, and the name under which pg_dump sees the same as it does."""
    with session.one_moment(), session.connection.transaction():
        yield str(session.execute(QUERIES["export_snapshot"])[0][0])


def left_to_others(session: Session, schemas: Collection[str]) -> dict[str, str]:
    """Schemas that a provider keeps, and that no backup of this role's has, with their owner; `schemas` of a plan are
    never among them."""
    return dict(session.execute(QUERIES["schemas_of_others"], {"schemas": list(schemas)}))


def contents(session: Session, left: Collection[str]) -> tuple[dict[str, Content], bool]:
    """(what each table holds but those in schemas that are left, whether policies count for this role); in a snapshot.

    Raises RowsHidden where a dump by this role would lack rows, and NotReadable.
    """
    operator = bool(session.named("operator_is_ready")[0][0])
    found: dict[str, Content] = {}
    is_isolated = False
    for relation, filtered, ours in session.execute(QUERIES["tables_to_back_up"], {"left": list(left)}):
        try:
            content = found[relation] = _content(session, relation)
        except psycopg.DatabaseError as error:
            raise NotReadable(table=sql.shown(relation), reason=error.diag.message_primary) from error
        if filtered:
            is_isolated = True
            if not (ours and operator):
                raise RowsHidden(table=sql.shown(relation), why="by policies that are not VITAL's")
            whole = _as_operator(session, relation)
            if whole != content:
                raise RowsHidden(table=sql.shown(relation), why=f"it is shown {content.rows:,} of {whole.rows:,}")
    return found, is_isolated


def _as_operator(session: Session, relation: str) -> Content:
    session.execute(QUERIES["put_on_role"], {"role": "vital_operator"})
    content = _content(session, relation)
    session.execute(QUERIES["put_on_role"], {"role": "none"})
    return content


def _content(session: Session, relation: str) -> Content:
    """Enums by their text: their hash is of a number that a restored database has given anew."""
    columns = [replace(column, hashable=column.hashable and not column.labels) for column in session.columns(relation)]
    hashed = sql.row_hash("t", columns) if columns else sql.literal(0)
    parts = {"hash": hashed, "table": sql.relation(relation)}
    return Content(*session.execute(sql.compose(QUERIES["content_to_back_up"], **parts))[0])
