"""Locks are waited for briefly and with a word about who holds them, so that nobody queues behind VITAL for long."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from migrations_ops.engine.session import Session
from tests.support import background, databases
from tests.support.command_results import Manage
from tests.support.databases import Scratch, rows
from vital.db import retry
from vital.errors import LockNotGranted

NAME = "nightly import"
SECONDS = 3.0
HELD = 30.0 if os.environ.get("VITAL_SLOW_TESTS") else SECONDS  # seconds that an application's transaction stays open


@contextmanager
def holding(database: Scratch, statement: str) -> Iterator[psycopg.Connection[Any]]:
    """An application's transaction that stays open after the statement."""
    with psycopg.connect(database.owner_url, application_name=NAME) as connection:
        connection.execute(statement.encode())
        yield connection
        connection.rollback()


class Stranger(threading.Thread):
    """A third session that says the same again and again, and notes how long each time took."""

    def __init__(self, database: Scratch, statement: str) -> None:
        super().__init__(daemon=True)
        self.statement, self.longest, self.over = statement.encode(), 0.0, threading.Event()
        self.connection = psycopg.connect(database.owner_url, autocommit=True)

    def run(self) -> None:
        with self.connection:
            while not self.over.wait(0.01):
                started = time.monotonic()
                self.connection.execute(self.statement)
                self.longest = max(self.longest, time.monotonic() - started)


@contextmanager
def at_work(database: Scratch, table: str) -> Iterator[tuple[Stranger, ...]]:
    """A reader of the table, and a writer of another row than the one that `holding` has."""
    write = f"UPDATE {table} SET id = id WHERE id = (SELECT id FROM {table} ORDER BY id DESC LIMIT 1)"
    strangers = Stranger(database, f"SELECT FROM {table} LIMIT 1"), Stranger(database, write)
    for stranger in strangers:
        stranger.start()
    try:
        yield strangers
    finally:
        for stranger in strangers:
            stranger.over.set()
            stranger.join(10)


# --- a whole run ---


@pytest.mark.slow
@pytest.mark.parametrize(
    "open_by", ["UPDATE tools SET id = id WHERE id = ({row})", "SELECT FROM tools WHERE id = ({row})"]
)
@pytest.mark.parametrize("phase", ["001", "006"])
def test_an_open_transaction_is_named_and_nobody_queues(
    legacy: Scratch, manage: Manage, phase: str, open_by: str
) -> None:
    """ALTER TABLE needs the table for an instant; behind it everybody queues, so it gives up soon and tries often."""
    before = str(int(phase) - 1).zfill(3)
    assert manage(legacy, "migrate_tenants", "--to", before, "--yes").returncode == 0
    with holding(legacy, open_by.format(row="SELECT id FROM tools ORDER BY id LIMIT 1")) as other:
        pid = other.info.backend_pid
        arguments = ("migrate_tenants", "--to", phase, "--yes")
        with at_work(legacy, "tools") as strangers, background.start(legacy, *arguments) as run:
            run.until_said("waits")
            time.sleep(HELD)
            other.rollback()
            told = run.ends_with(0)

    assert f"a lock on public.tools, held by pid {pid} ({NAME}, user " in " ".join(told.split())
    assert told.count("waits") > 1
    for stranger in strangers:
        assert stranger.longest < 1, f"{stranger.statement!r} was kept waiting for {stranger.longest:.2f} s"


@pytest.mark.slow
def test_a_table_that_is_closed_to_everybody_is_waited_for_while_it_is_fingerprinted(legacy: Scratch) -> None:
    """Maintenance by others (VACUUM FULL, CLUSTER, ALTER TABLE) holds ACCESS EXCLUSIVE: even reading has to wait."""
    waits_for_the_lock(legacy, "knowledge_base", "--to", "000")


@pytest.mark.slow
def test_a_table_that_is_closed_to_everybody_is_waited_for_while_it_is_validated(migrated: Scratch) -> None:
    waits_for_the_lock(migrated, "prompts", "validate")


@pytest.mark.slow
def test_a_table_that_is_closed_to_everybody_is_waited_for_before_it_is_undone(migrated: Scratch) -> None:
    waits_for_the_lock(migrated, "prompts", "undo")


def waits_for_the_lock(database: Scratch, table: str, *arguments: str) -> None:
    with (
        holding(database, f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE") as other,
        background.start(database, "migrate_tenants", *arguments, "--yes") as run,
    ):
        run.until_said("waits")
        pid = other.info.backend_pid
        time.sleep(SECONDS / 2)
        other.rollback()
        told = run.ends_with(0)

    assert f"held by pid {pid} ({NAME}, user " in " ".join(told.split())


@pytest.mark.slow
def test_a_row_that_somebody_changes_is_waited_for(prepared: Scratch) -> None:
    with (
        holding(prepared, "UPDATE prompts SET display_name = 'changed meanwhile' WHERE tenant_id IS NULL") as other,
        background.start(prepared, "migrate_tenants", "--to", "003", "--yes") as run,
    ):
        run.until_said("waits")
        pid = other.info.backend_pid
        other.commit()
        told = run.ends_with(0)

    assert f"held by pid {pid} ({NAME}" in " ".join(told.split())
    assert rows(prepared.owner_url, "SELECT count(*) FROM prompts WHERE display_name <> 'changed meanwhile'") == [(0,)]
    assert rows(prepared.owner_url, LEFT_OPEN) == [(0,)]


LEFT_OPEN = "SELECT count(*) FROM prompts WHERE tenant_id IS NULL AND created_by IS NULL"


@pytest.mark.slow
def test_a_timeout_of_the_role_does_not_stop_the_building_of_an_index(prepared: Scratch) -> None:
    """Hosted platforms give their roles a statement timeout; CREATE INDEX CONCURRENTLY has to outwait every writer."""
    for setting in ("statement_timeout", "lock_timeout"):
        rows(prepared.admin_url, f"ALTER DATABASE \"{prepared.name}\" SET {setting} = '1s'")
    with (
        holding(prepared, NEW_MESSAGE) as writer,
        background.start(prepared, "migrate_tenants", "--to", "004", "--yes") as run,
    ):
        run.until(lambda: rows(prepared.admin_url, BUILDING))
        time.sleep(2)
        writer.rollback()
        run.ends_with(0)


NEW_MESSAGE = """
INSERT INTO messages
SELECT (jsonb_populate_record(m, jsonb_build_object('id', gen_random_uuid()))).* FROM messages AS m LIMIT 1
"""
BUILDING = """
SELECT pid FROM pg_stat_activity
 WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE '%CREATE INDEX CONCURRENTLY%'
"""


# --- the retrying itself ---


@pytest.fixture(scope="module")
def small(server_url: str) -> Iterator[Scratch]:
    """A database with one table of one row."""
    scratch = databases.create_empty(server_url)
    rows(scratch.owner_url, "CREATE TABLE tools AS SELECT 1 AS id")
    yield scratch
    databases.drop(scratch)


@pytest.fixture
def session(small: Scratch) -> Iterator[Session]:
    opened = Session.open(conninfo_to_dict(small.owner_url), "vital test")
    yield opened
    opened.close()


def test_after_the_last_attempt_the_holder_is_named(small: Scratch, session: Session) -> None:
    waited: list[str] = []

    def alter() -> None:
        with session.work(lock_timeout="50ms"):
            session.execute("ALTER TABLE tools ADD COLUMN late text")

    with holding(small, "LOCK TABLE tools IN ROW EXCLUSIVE MODE") as other:
        with pytest.raises(LockNotGranted) as caught:
            retry.retried(session, ("public.tools",), alter, waited.append, attempts=2)
        holder = f"pid {other.info.backend_pid} ({NAME}, user "

    assert holder in str(caught.value)
    assert "public.tools stayed locked by others through 2 attempts" in str(caught.value)
    assert "Let them finish or stop them, then run again" in str(caught.value)
    assert len(waited) == 1
    assert holder in waited[0]


def test_a_lock_that_comes_free_is_taken(small: Scratch, session: Session) -> None:
    attempts: list[int] = []

    def select() -> int:
        attempts.append(1)
        with session.work(lock_timeout="50ms"):
            return int(session.value("SELECT count(*) FROM tools"))

    with holding(small, "LOCK TABLE tools IN ACCESS EXCLUSIVE MODE") as other:
        assert retry.retried(session, ("public.tools",), select, lambda why: other.rollback()) == 1
    assert len(attempts) == 2


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("SELECT 1 / 0", psycopg.errors.DivisionByZero),
        ("SELECT FROM no_such_table", psycopg.errors.UndefinedTable),
        ("SET LOCAL statement_timeout = '10ms'; SELECT pg_sleep(1)", psycopg.errors.QueryCanceled),
    ],
)
def test_no_other_error_is_tried_again(session: Session, statement: str, error: type[Exception]) -> None:
    attempts: list[int] = []

    def fail() -> None:
        attempts.append(1)
        with session.work():
            for part in statement.split(";"):
                session.execute(part)

    with pytest.raises(error):
        retry.retried(session, ("public.tools",), fail, pytest.fail)
    assert len(attempts) == 1
