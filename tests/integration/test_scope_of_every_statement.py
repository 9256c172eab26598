"""With a scope, no statement runs outside a transaction of its role and tenant, by whatever way it is sent."""

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from psycopg.pq import TransactionStatus

from tests.support.cast import PHARMA, PLATFORM
from tests.support.databases import Scratch
from vital.db import scope as context
from vital.db.cursor import ScopedCursor

WHO = "SELECT current_user::text || ' ' || current_setting('vital.tenant_id', true)"
AS_PHARMA = f"vital_tenant {PHARMA}"
Ask = Callable[[ScopedCursor], Any]


@pytest.fixture
def cursor(migrated_template: Scratch) -> Iterator[ScopedCursor]:
    """Of a superuser who is somebody else in every transaction of the scope."""
    scope = context.tenant_scope(PHARMA, read_only=True)
    with psycopg.connect(migrated_template.admin_url, autocommit=True) as connection:
        connection.vital_scope = context.beginning_of(scope)  # type: ignore[attr-defined]
        yield ScopedCursor(connection)


def by_many(cursor: ScopedCursor) -> Any:
    cursor.executemany(WHO, [()], returning=True)
    return cursor.fetchone()


def by_copy(cursor: ScopedCursor) -> Any:
    with cursor.copy(f"COPY ({WHO}) TO STDOUT") as copied:
        return next(iter(list(copied.rows())))


def by_percent_sign(cursor: ScopedCursor) -> Any:
    """Parameters are bound before the messages are joined, and only once."""
    row = cursor.execute(f"{WHO}, %s, '%%'", ["%s"]).fetchone()
    assert row
    assert row[1:] == ("%s", "%")
    return row[:1]


WAYS: dict[str, Ask] = {
    "execute": lambda cursor: cursor.execute(WHO).fetchone(),
    "parameters": by_percent_sign,
    "execute_last": lambda cursor: cursor.execute_last(WHO).fetchone(),
    "executemany": by_many,
    "stream": lambda cursor: next(iter(cursor.stream(WHO))),
    "copy": by_copy,
}


@pytest.mark.parametrize("way", WAYS)
def test_the_first_statement_is_in_the_scope(cursor: ScopedCursor, way: str) -> None:
    assert tuple(WAYS[way](cursor)) == (AS_PHARMA,)


@pytest.mark.parametrize("way", WAYS)
def test_so_is_the_second(cursor: ScopedCursor, way: str) -> None:
    cursor.execute("SELECT 1")
    assert tuple(WAYS[way](cursor)) == (AS_PHARMA,)


def test_what_was_ended_is_begun_anew_as_the_same(cursor: ScopedCursor) -> None:
    cursor.execute_last(WHO)
    assert cursor.connection.info.transaction_status == TransactionStatus.IDLE
    assert cursor.execute(WHO).fetchone() == (AS_PHARMA,)


def test_after_a_failed_statement_nothing_runs_until_it_is_rolled_back(cursor: ScopedCursor) -> None:
    with pytest.raises(psycopg.errors.DivisionByZero):
        cursor.execute("SELECT 1 / 0")
    with pytest.raises(psycopg.errors.InFailedSqlTransaction):
        cursor.execute(WHO)
    cursor.connection.rollback()
    assert cursor.execute(WHO).fetchone() == (AS_PHARMA,)


def test_a_reading_scope_writes_nothing_even_in_the_message_that_begins_it(cursor: ScopedCursor) -> None:
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        cursor.execute("DELETE FROM public.tools WHERE tenant_id = %s", [PLATFORM])
