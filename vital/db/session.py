"""VITAL's own connection beside Django's: direct, in autocommit, with a name that tells others who is at work."""

import os
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, ClassVar, Self

import psycopg
from psycopg import IsolationLevel
from psycopg import errors as pg
from psycopg.pq import TransactionStatus
from psycopg.sql import Composable

from vital.db import cluster, introspection, session_settings, sql
from vital.errors import AnotherRunIsActive, PooledConnection, ServerTooOld

QUERIES = sql.load(Path(__file__).parent / "sql")
LOCK_TIMEOUT = "500ms"
OLDEST_SERVER = 140000
STREAMED_AT_ONCE = 2_000  # rows
WORKERS_STOP_WITHIN_SECONDS = 20  # a batch that takes too long is ended after ten
NOTICED_WITHIN_SECONDS = 3  # a killed client: client_connection_check_interval, and some more
# Where a pooler was looked for and keeps a process for each connection; whoever asks again in this process is told so.
_kept_apart: set[tuple[str, int, str, str]] = set()
# Transaction-scoped and session-scoped advisory locks of VITAL, so that no two parts choose the same key.
ADVISORY_LOCKS = {
    "run": {"space": 0x5649, "key": 1},
    "worker": {"space": 0x5649, "key": 2},  # shared by those who help the run's own process
    "chunk": {"space": 0x564A},  # with the chunk's id
}


class Session:
    """One connection to the database that is migrated.

    All SQL goes through `execute`; rows come back as tuples. Work that touches rows runs in `work()`, which commits or
    rolls back as a whole and leaves no setting behind.
    """

    queries: ClassVar[Mapping[str, str]] = QUERIES

    def __init__(self, connection: psycopg.Connection[Any], params: dict[str, Any]) -> None:
        self.connection, self._params = connection, params
        self._reads_as_operator = False
        self.overruled: tuple[str, ...] = ()  # settings that the database or the role has otherwise
        self.on_cluster = False  # whether tables may lie on several servers
        self._path_of_applications = ""

    @classmethod
    def open(cls, params: dict[str, Any], name: str) -> Self:
        """Connect with libpq parameters.

        Raises psycopg.OperationalError where that fails, and ServerTooOld or PooledConnection before anything is set.
        """
        params = params | {"application_name": name, "client_encoding": session_settings.ENCODING}
        session = cls(psycopg.connect(**params, autocommit=True), params)
        try:
            session._refuse_what_cannot_work()
            session._path_of_applications = session.named("path_of_applications")[0][0]
            session.overruled = session_settings.overruled(session.execute(session_settings.for_session("public")))
            session.on_cluster = bool(session.value(cluster.IS_CLUSTER))
            if session.on_cluster:
                session.execute(session_settings.on_cluster())
        except BaseException:
            session.close()
            raise
        return session

    def _refuse_what_cannot_work(self) -> None:
        if self.connection.info.server_version < OLDEST_SERVER:
            raise ServerTooOld(version=self.connection.info.parameter_status("server_version"))
        if self._is_pooled():
            raise PooledConnection

    def _is_pooled(self) -> bool:
        """Whether the server's process changes from one statement to the next."""
        info = self.connection.info
        address = (info.host, info.port, info.dbname, info.user)
        if self._is_direct() or address in _kept_apart:
            return False
        if self._process_changes():
            return True
        _kept_apart.add(address)
        return False

    def _is_direct(self) -> bool:
        """Whether the process that answers is the one that took the connection, and was asked from our own port.

        A pooler makes up the process that it names at the beginning, and asks from a port of its own.
        """
        process, port = self.named("server_process")[0]
        with socket.socket(fileno=os.dup(self.connection.fileno())) as ours:
            our_port = None if ours.family == socket.AF_UNIX else ours.getsockname()[1]
        return bool(process == self.connection.info.backend_pid and port == our_port)

    def _process_changes(self) -> bool:
        """Another connection is needed that holds a process in a transaction: a single one could be given the same
        always."""
        mine = {self.named("server_process")[0], self.named("server_process")[0]}
        with psycopg.connect(**self._params, autocommit=True) as other, other.transaction():
            theirs = other.execute(QUERIES["server_process"].encode()).fetchone()
            return theirs in mine or self.named("server_process")[0] not in mine or len(mine) > 1

    def read_as_operator(self) -> bool:
        """The service's login has no grants of its own: it looks as vital_operator, also where work is the owner's."""
        self._reads_as_operator = self._reads_as_operator or bool(self.named("read_as_operator"))
        return self._reads_as_operator

    @contextmanager
    def reading_as_operator(self) -> Iterator[None]:
        """The same for a few questions; afterwards the session is in the role in which it was."""
        became_operator = not self._reads_as_operator and bool(self.named("read_as_operator"))
        yield
        if became_operator:
            self.named("forget_role")

    def close(self) -> None:
        """Leave no setting behind: behind a pooler in session mode the connection goes to somebody else."""
        with suppress(psycopg.Error):
            if self.connection.info.transaction_status == TransactionStatus.IDLE:
                self.named("forget_session_settings")
                self.named("forget_role")
        self.connection.close()

    def execute(self, statement: Composable | str, params: sql.Params | None = None) -> list[tuple[Any, ...]]:
        """Run one statement and return its rows; an empty list where it has none."""
        composed = sql.compose(statement) if isinstance(statement, str) else statement
        cursor = self.connection.execute(composed.as_bytes(self.connection), params or {})
        return cursor.fetchall() if cursor.description else []

    def texts(self, statement: Composable) -> list[tuple[str | None, ...]]:
        """The same with each value as the server writes it, whatever its type."""
        result = self.connection.execute(statement.as_bytes(self.connection), {}).pgresult
        assert result is not None
        values = ([result.get_value(row, column) for column in range(result.nfields)] for row in range(result.ntuples))
        encoding = self.connection.info.encoding
        return [tuple(None if one is None else one.decode(encoding) for one in row) for row in values]

    def value(self, statement: Composable | str, params: sql.Params | None = None) -> Any:
        """The first column of the first row, or None."""
        return next((row[0] for row in self.execute(statement, params)), None)

    def named(self, name: str, params: sql.Params | None = None, **parts: Composable) -> list[tuple[Any, ...]]:
        """Run a named statement of this kind of session."""
        return self.execute(sql.compose(self.queries[name], **parts), params)

    def stream(self, statement: Composable) -> Iterator[tuple[Any, ...]]:
        """The rows of one query as they come, not all in memory at once. In a transaction."""
        self.named("stream_settings")
        with self.connection.cursor(name="vital_stream") as cursor:
            cursor.itersize = STREAMED_AT_ONCE
            yield from cursor.execute(statement.as_bytes(self.connection), {})

    @contextmanager
    def work(
        self,
        *,
        as_operator: bool = True,
        lock_timeout: str = LOCK_TIMEOUT,
        statement_timeout: str = "0",
        durable: bool = True,
    ) -> Iterator[None]:
        """One transaction of VITAL's own: triggers know it is not an application, locks are waited for briefly.

        Once isolation is on, rows are touched as vital_operator, whose policy sees them all: an owner under FORCE
        may be shown none and would report 0 rows without an error.

        Not `durable`, its end does not wait for the disk: a server that crashes may lose it as a whole, though never
        without what was committed after it. For what is done again from where it stands.
        """
        wanted = as_operator or self._reads_as_operator
        role = "vital_operator" if wanted and self.named("operator_is_ready")[0][0] else "none"
        with self.connection.transaction():
            limits = {"lock_timeout": lock_timeout, "statement_timeout": statement_timeout}
            self.named("work_settings", limits | {"role": role, "durable": durable})
            yield

    def as_applications(self) -> None:
        """Until the transaction ends, names mean what they mean to the database's applications: what fires as a row
        changes (triggers, checks, indexes of functions) is theirs, and may name no schema."""
        self.named("as_applications", {"path": self._path_of_applications})

    @contextmanager
    def one_moment(self) -> Iterator[None]:
        """Transactions in it see the database as it was when they began, and refuse to write over what others have
        written since. Interrupted in the midst of a statement, the connection is of no use to anybody any more."""
        self.connection.isolation_level = IsolationLevel.REPEATABLE_READ
        try:
            yield
        finally:
            if self.connection.info.transaction_status == TransactionStatus.IDLE:
                self.connection.isolation_level = None

    @contextmanager
    def run_lock(self) -> Iterator[None]:
        """Be the only run in this database. Raises AnotherRunIsActive with the holder."""
        key = ADVISORY_LOCKS["run"]
        if not self._takes_run_lock(key):
            holders = self.named("holder_of_run_lock", key)
            raise AnotherRunIsActive(holder=holders[0][0] if holders else "someone who has just finished")
        try:
            yield
        except KeyboardInterrupt:
            self.close()  # in the midst of a statement nothing could be said on it, and the lock goes with it
            raise
        finally:
            if not self.connection.closed:
                self.named("give_run_lock_back", key)

    @contextmanager
    def worker_lock(self) -> Iterator[None]:
        """Be one of those who help a run; the next run of another kind waits until they are gone."""
        self.named("take_worker_lock", ADVISORY_LOCKS["worker"])
        yield
        if not self.connection.closed and not self.connection.broken:
            self.named("give_worker_lock_back", ADVISORY_LOCKS["worker"])

    def wait_for_workers(self) -> None:
        """Until nobody helps any more. Raises AnotherRunIsActive with one who does not stop."""
        patience = time.monotonic() + WORKERS_STOP_WITHIN_SECONDS
        while holders := self.named("holder_of_run_lock", ADVISORY_LOCKS["worker"]):
            if time.monotonic() > patience:
                raise AnotherRunIsActive(holder=holders[0][0])
            time.sleep(0.1)

    def run_lock_is_free(self) -> bool:
        """Whether nobody is at work in this database just now."""
        return not self.named("holder_of_run_lock", ADVISORY_LOCKS["run"])

    def _takes_run_lock(self, key: dict[str, int]) -> bool:
        """Whether the lock is ours now. That of a killed client is given back as soon as the server notices."""
        patience = time.monotonic() + NOTICED_WITHIN_SECONDS
        while not self.named("take_run_lock", key)[0][0]:
            if time.monotonic() > patience:
                return False
            time.sleep(0.1)
        return True

    def lock_holders(self, relations: tuple[str, ...]) -> str:
        """Who holds locks on these tables, as one readable line."""
        rows = self.named("lock_holders", {"relations": list(relations)})
        return "; ".join(row[0] for row in rows) or "a session that has ended"

    def typed_key(self, relation: str, key: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
        """The key's columns with their types."""
        kinds = {column.name: column.kind for column in self.columns(relation)}
        return tuple((name, kinds[name]) for name in key if name in kinds)

    def columns(self, relation: str) -> list[introspection.Column]:
        """Every column of the table, in its order."""
        return introspection.columns(self, relation)

    def leaves(self, relation: str) -> list[tuple[str, int, int]]:
        """(relation, pages, estimated rows) of each table that really holds rows."""
        return [(name, pages, rows) for name, pages, rows in self.named("leaves", {"relation": relation})]


RETRYABLE = (pg.LockNotAvailable, pg.DeadlockDetected)
