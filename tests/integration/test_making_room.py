"""Before a batch the engine checks the load on the server: it waits, says why, and goes on."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from migrations_ops.engine import throttle as throttling
from migrations_ops.engine.session import Session
from migrations_ops.engine.throttle import Throttle
from tests.support import clusters, databases, patience
from tests.support.command_results import Manage
from tests.support.databases import OWNER, Scratch
from vital.errors import Stopped

pytestmark = pytest.mark.server

SIGNALS = (
    "replication_lag",
    "replication_behind",
    "lock_waits",
    "long_transaction",
    "wal_rate",
    "autovacuum",
    "connections",
    "free_disk",
)


@pytest.fixture(scope="module")
def database(server_url: str, manage: Manage) -> Iterator[Scratch]:
    """VITAL's own tables and one of the platform's."""
    scratch = databases.create_empty(server_url)
    assert manage(scratch, "migrate", "--verbosity", "0").returncode == 0
    databases.rows(
        scratch.owner_url, "INSERT INTO tool_categories (name) SELECT 'c' || n FROM generate_series(1, 50) AS n"
    )
    yield scratch
    databases.drop(scratch)


@pytest.fixture
def session(database: Scratch) -> Iterator[Session]:
    session = Session.open(dict(conninfo_to_dict(database.owner_url)), "vital the tests")
    yield session
    session.execute("DELETE FROM vital.tuning")
    session.close()


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look ten times a second, so that the tests need not wait."""
    monkeypatch.setattr(throttling, "LOOK_EVERY", 0.1)


def tune(session: Session, **limits: str) -> None:
    """Only these limits are in force; the server is shared with other tests, whose strain is not ours."""
    for name, value in (dict.fromkeys(SIGNALS, "off") | limits).items():
        session.named("tune", {"name": name, "value": value, "by": "the tests"})


class Waiting:
    """A batch that waits for room in a thread of its own."""

    def __init__(self, session: Session, stop: Callable[[], None] = lambda: None) -> None:
        self.said: list[str] = []
        self._room = Throttle(session)
        self._error: BaseException | None = None
        self._stop = stop
        self._thread = threading.Thread(target=self._wait)
        self._thread.start()

    def _wait(self) -> None:
        try:
            self._room.make_room("public.tool_categories", self.said.append, self._stop)
            time.sleep(0.15)
            self._room.make_room("public.tool_categories", self.said.append, self._stop)
        except BaseException as error:
            self._error = error

    def until_it_says(self, *words: str) -> str:
        deadline = time.monotonic() + patience.seconds(10)
        while not any(all(word in said for word in words) for said in self.said):
            assert self._thread.is_alive(), f"it went on; it had said {self.said}, {self._error!r}"
            assert time.monotonic() < deadline, f"it only said {self.said}"
            time.sleep(0.02)
        return self.said[-1]

    def goes_on(self) -> None:
        self._thread.join(10)
        assert not self._thread.is_alive(), f"it still waits: {self.said}"
        assert self._error is None
        assert self.said[-1] == "", "it must say that it goes on"

    def ends(self) -> BaseException | None:
        self._thread.join(10)
        return self._error


def test_without_strain_it_goes_on_at_once_and_says_nothing(session: Session) -> None:
    tune(session)
    waiting = Waiting(session)

    assert waiting.ends() is None
    assert waiting.said == []


def test_a_users_own_query_makes_it_wait_for_as_long_as_it_says_so(session: Session, database: Scratch) -> None:
    databases.rows(database.owner_url, "CREATE TABLE public.busy (why text)")
    databases.rows(database.owner_url, "INSERT INTO public.busy VALUES ('the nightly report runs')")
    tune(session, query="SELECT why FROM public.busy")
    waiting = Waiting(session)

    waiting.until_it_says("your query says the nightly report runs")
    databases.rows(database.owner_url, "DELETE FROM public.busy")

    waiting.goes_on()
    databases.rows(database.owner_url, "DROP TABLE public.busy")


def test_a_limit_can_be_tuned_while_it_waits(session: Session, database: Scratch) -> None:
    tune(session, query="SELECT 'for ever'")
    waiting = Waiting(session)

    waiting.until_it_says("for ever")
    databases.rows(database.owner_url, "UPDATE vital.tuning SET value = 'off' WHERE name = 'query'")

    waiting.goes_on()


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("SELECT nothing FROM nowhere", "your query failed"),
        ("DELETE FROM public.tool_categories RETURNING 1", "read-only transaction"),
        ("SELECT 1; DELETE FROM public.tool_categories", "your query failed"),
    ],
)
def test_a_query_that_fails_or_writes_is_a_reason_to_wait_and_changes_nothing(
    session: Session, database: Scratch, query: str, says: str
) -> None:
    tune(session, query=query)
    waiting = Waiting(session)

    waiting.until_it_says(says)
    databases.rows(database.owner_url, "UPDATE vital.tuning SET value = 'off' WHERE name = 'query'")

    waiting.goes_on()
    assert databases.rows(database.owner_url, "SELECT count(*) FROM tool_categories") == [(50,)]


def test_it_can_be_stopped_while_it_waits(session: Session) -> None:
    def stop() -> None:
        raise Stopped(what="pause")

    tune(session, query="SELECT true")

    assert isinstance(Waiting(session, stop).ends(), Stopped)


def test_sessions_that_wait_for_locks(session: Session, database: Scratch) -> None:
    tune(session, lock_waits="0")
    with psycopg.connect(database.owner_url) as holder, psycopg.connect(database.owner_url, autocommit=True) as other:
        holder.execute("LOCK TABLE tool_categories IN ACCESS EXCLUSIVE MODE")
        reader = threading.Thread(target=lambda: other.execute("SELECT count(*) FROM tool_categories"))
        reader.start()
        waiting = Waiting(session)

        waiting.until_it_says("1 sessions wait for locks", f"pid {holder.info.backend_pid}")
        holder.rollback()
        reader.join()
        waiting.goes_on()


def test_a_transaction_that_is_open_for_long(session: Session, database: Scratch) -> None:
    tune(session, long_transaction="200ms")
    with psycopg.connect(database.owner_url, application_name="report") as reader:
        reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        reader.execute("SELECT count(*) FROM tool_categories")
        time.sleep(0.3)
        waiting = Waiting(session)

        waiting.until_it_says(f"the transaction of pid {reader.info.backend_pid} (report", "nothing can be cleaned")
        reader.rollback()
        waiting.goes_on()


def test_wal_that_is_written_too_fast(session: Session, database: Scratch) -> None:
    tune(session, wal_rate="200kB")
    with psycopg.connect(database.owner_url, autocommit=True) as writer:
        goes_on = threading.Event()

        def write() -> None:
            while not goes_on.is_set():
                writer.execute("CREATE TABLE scribble AS SELECT repeat('x', 900) AS x FROM generate_series(1, 2000)")
                writer.execute("DROP TABLE scribble")

        thread = threading.Thread(target=write)
        thread.start()
        try:
            waiting = Waiting(session)
            waiting.until_it_says("of WAL a second", "wal_rate: 200 kB")
        finally:
            goes_on.set()
            thread.join()
        session_free = databases.rows(
            database.owner_url, "UPDATE vital.tuning SET value = '1GB' WHERE name = 'wal_rate'"
        )
        assert session_free == []
        waiting.goes_on()


def test_a_vacuum_on_the_table(session: Session, database: Scratch) -> None:
    """The lock that VACUUM takes, taken by hand: an autovacuum gives way to nobody who would wait for it here."""
    tune(session, autovacuum="on")
    with psycopg.connect(database.owner_url) as cleaner:
        cleaner.execute("LOCK TABLE tool_categories IN SHARE UPDATE EXCLUSIVE MODE")
        waiting = Waiting(session)

        waiting.until_it_says("cleans or indexes public.tool_categories", f"pid {cleaner.info.backend_pid}")
        cleaner.rollback()
        waiting.goes_on()


def test_too_many_connections(session: Session, database: Scratch) -> None:
    tune(session, connections="0.1%")
    waiting = Waiting(session)

    waiting.until_it_says("connections are taken")
    databases.rows(database.owner_url, "UPDATE vital.tuning SET value = '100%' WHERE name = 'connections'")
    waiting.goes_on()


@contextmanager
def member_of(server_url: str, role: str) -> Iterator[None]:
    databases.rows(server_url, f"GRANT {role} TO {OWNER}")
    try:
        yield
    finally:
        databases.rows(server_url, f"REVOKE {role} FROM {OWNER}")


def test_a_disk_that_fills_up_where_the_role_may_know_it(session: Session, database: Scratch, server_url: str) -> None:
    clusters.programs_of(server_url)  # skipped where the server is on another machine
    tune(session, free_disk="99.9999%")
    with member_of(server_url, "pg_read_all_settings"):
        waiting = Waiting(session)
        waiting.until_it_says("of the disk are free", "free_disk")
        databases.rows(database.owner_url, "UPDATE vital.tuning SET value = '0%' WHERE name = 'free_disk'")
        waiting.goes_on()


def test_what_the_role_may_not_see_is_named_with_the_grant_that_would_show_it(
    database: Scratch, server_url: str, manage: Manage
) -> None:
    with psycopg.connect(database.admin_url) as stranger:
        stranger.execute("SELECT 1")
        blind = manage(database, "migrate_tenants", "tune")
        assert f"blind for long_transaction; this would help: pg_read_all_stats for {OWNER} (by GRANT)" in blind.stdout
        assert "blind for free_disk" in blind.stdout

        with member_of(server_url, "pg_read_all_stats"):
            seeing = manage(database, "migrate_tenants", "tune")

    assert "blind for long_transaction" not in seeing.stdout


@contextmanager
def with_a_replica(server_url: str, manage: Manage) -> Iterator[tuple[Scratch, str, Session]]:
    """A database of a server that has a real standby, the standby, and a session that may see it."""
    with clusters.replicated(server_url) as (primary, standby):
        scratch = databases.create_empty(primary)
        assert manage(scratch, "migrate", "--verbosity", "0").returncode == 0
        databases.rows(primary, f"GRANT pg_read_all_stats TO {OWNER}")
        session = Session.open(dict(conninfo_to_dict(scratch.owner_url)), "vital the tests")
        yield scratch, standby, session
        session.close()


def scribble(scratch: Scratch) -> None:
    """Two megabytes of WAL."""
    databases.rows(scratch.owner_url, "CREATE TABLE scribble AS SELECT repeat('x', 900) FROM generate_series(1, 2000)")
    databases.rows(scratch.owner_url, "DROP TABLE scribble")


@pytest.mark.slow
def test_a_replica_that_falls_behind(server_url: str, manage: Manage) -> None:
    """A real standby whose replay is paused, and then one that applies everything late."""
    with with_a_replica(server_url, manage) as (scratch, standby, session):
        tune(session, replication_behind="300kB")
        databases.rows(standby, "SELECT pg_wal_replay_pause()")
        scribble(scratch)
        waiting = Waiting(session)
        waiting.until_it_says("the replica", "still to read", "replication_behind: 300 kB")
        databases.rows(standby, "SELECT pg_wal_replay_resume()")
        waiting.goes_on()

        tune(session, replication_lag="300ms")
        databases.rows(standby, "ALTER SYSTEM SET recovery_min_apply_delay = '900ms'")
        databases.rows(standby, "SELECT pg_reload_conf()")
        scribble(scratch)
        time.sleep(1.2)
        waiting = Waiting(session)
        waiting.until_it_says("the replica", "s behind (replication_lag: 0.3 s)")
        databases.rows(standby, "ALTER SYSTEM SET recovery_min_apply_delay = 0")
        databases.rows(standby, "SELECT pg_reload_conf()")
        scribble(scratch)
        waiting.goes_on()
