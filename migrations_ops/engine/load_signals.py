"""The load of the database, by its signals. Each signal is calm (None), a reason to wait, or hidden from this role."""

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg

from migrations_ops.engine import wal
from migrations_ops.engine.session import Session
from migrations_ops.engine.throttle_limits import Limits
from vital.db import sql

SEES_ALL = "pg_read_all_stats for {role} (by GRANT)"
SEES_DISK = "pg_read_all_settings for {role} (by GRANT), on the server's own machine; or tune query=..."


@dataclass(frozen=True)
class UnreadableSignal:
    """A signal that this role may not see, and the grant that would show it."""

    signal: str
    grant: str


@dataclass(frozen=True)
class Disk:
    """In bytes."""

    total: int
    free: int


class Signals:
    """The signals of one session. `busy` gives the first reason to wait, `blind` what cannot be seen."""

    QUERY_SECONDS = 5
    FAILED = "your query failed: "

    def __init__(self, session: Session) -> None:
        self.session = session
        self._wal: tuple[float, int] | None = None

    def unreadable(self) -> list[UnreadableSignal]:
        """Every signal that is hidden from this role, with the grant that would help."""
        found = []
        if any(hidden for *_, hidden in self.session.named("replicas")):
            found.append(UnreadableSignal("replication_lag", SEES_ALL))
        if self.session.named("oldest_transaction")[0][2]:
            found.append(UnreadableSignal("long_transaction", SEES_ALL))
        if _free_disk(self.session) is None:
            found.append(UnreadableSignal("free_disk", SEES_DISK))
        role = self.session.connection.info.user
        return [UnreadableSignal(each.signal, each.grant.format(role=role)) for each in found]

    def busy(self, limits: Limits, relation: str) -> str | None:
        """Why to wait now, or None. Asks no signal whose limit is off."""
        return next((reason for reason in self._reasons(limits, relation) if reason), None)

    def _reasons(self, limits: Limits, relation: str) -> Iterator[str | None]:
        signals: dict[str, Callable[[float], str | None]] = {
            "replication_lag": self._lag,
            "replication_behind": self._behind,
            "lock_waits": self._lock_waits,
            "long_transaction": self._long_transaction,
            "wal_rate": self._wal_rate,
            "connections": self._connections,
            "free_disk": self._free_disk,
        }
        for name, signal in signals.items():
            limit = limits.number(name)
            yield signal(limit) if limit is not None else None
        if limits.number("autovacuum") is not None:
            yield self._maintenance(relation)
        if (query := limits.text("query")) != "off":
            yield self.of_query(query)

    def _lag(self, limit: float) -> str | None:
        late = [(lag, name) for lag, _, name, _ in self.session.named("replicas") if lag and lag > limit]
        return (
            f"the replica {max(late)[1]} is {max(late)[0]:.1f} s behind (replication_lag: {limit:g} s)"
            if late
            else None
        )

    def _behind(self, limit: float) -> str | None:
        replicas = [(behind, f"the replica {name}") for _, behind, name, _ in self.session.named("replicas") if behind]
        slots = [(kept, f"the replication slot {name}") for kept, name in self.session.named("slots")]
        far = max((each for each in replicas + slots if each[0] > limit), default=None)
        return f"{far[1]} has {_size(far[0])} still to read (replication_behind: {_size(limit)})" if far else None

    def _lock_waits(self, limit: float) -> str | None:
        count, example = self.session.named("waiting_sessions")[0]
        return f"{count:.0f} sessions wait for locks, {example} (lock_waits: {limit:g})" if count > limit else None

    def _long_transaction(self, limit: float) -> str | None:
        age, words, _ = self.session.named("oldest_transaction")[0]
        if not age or age <= limit:
            return None
        open_for = f"the transaction of {words} is open for {age:.0f} s"
        return f"{open_for}, so nothing can be cleaned (long_transaction: {limit:g} s)"

    def _wal_rate(self, limit: float) -> str | None:
        """Between this look and the one before; a first look has nothing to compare with."""
        now, written = time.monotonic(), wal.position(self.session)
        if written is None:
            return None
        earlier, self._wal = self._wal, (now, written)
        if earlier is None or now - earlier[0] < 0.1:
            return None
        rate = (written - earlier[1]) / (now - earlier[0])
        return f"the server writes {_size(rate)} of WAL a second (wal_rate: {_size(limit)})" if rate > limit else None

    def _maintenance(self, relation: str) -> str | None:
        found = self.session.named("maintenance_of", {"relation": relation})
        return f"{found[0][1]} (pid {found[0][0]}) cleans or indexes {relation} (autovacuum: on)" if found else None

    def _connections(self, limit: float) -> str | None:
        taken, of = self.session.named("connections_taken")[0]
        return f"{taken:.0f} % of {of} connections are taken (connections: {limit:g} %)" if taken > limit else None

    def _free_disk(self, limit: float) -> str | None:
        free = _free_disk(self.session)
        return (
            f"only {free:.1f} % of the disk are free (free_disk: {limit:g} %)"
            if free is not None and free < limit
            else None
        )

    def of_query(self, query: str) -> str | None:
        """What the user's own query says, read-only and for a few seconds at most; its failure is a reason as well."""
        try:
            with self.session.connection.transaction(force_rollback=True):
                self.session.named("user_query_settings", {"timeout": f"{self.QUERY_SECONDS}s"})
                answer: Any = self.session.value(sql.verbatim(query))
        except psycopg.OperationalError as error:
            if self.session.connection.broken:
                raise
            return f"{self.FAILED}{error.diag.message_primary}"
        except psycopg.Error as error:
            return f"{self.FAILED}{error.diag.message_primary}"
        return f"your query says {answer}" if answer else None


def _free_disk(session: Session) -> float | None:
    """Percent of the server's disk; None where it is hidden."""
    disk = disk_of(session)
    return 100 * disk.free / disk.total if disk else None


def disk_of(session: Session) -> Disk | None:
    """The server's disk; None where it is not on this machine, or its place is hidden from this role."""
    try:
        usage = shutil.disk_usage(str(session.named("data_directory")[0][0]))
    except (psycopg.errors.InsufficientPrivilege, OSError):
        return None
    return Disk(usage.total, usage.free)


def _size(number: float) -> str:
    for unit in ("bytes", "kB", "MB"):
        if abs(number) < 1024:
            return f"{number:.0f} {unit}"
        number /= 1024
    return f"{number:.1f} GB"
