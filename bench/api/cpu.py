"""Processor time, which other work on the machine does not blur as it does requests per second; Linux tells it."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

import psycopg

TICK_MS = 1000 / os.sysconf("SC_CLK_TCK")
MOST_SECONDS = 60
SESSION, USER, SYSTEM = 3, 11, 12  # of what follows the program's name in /proc/PID/stat


@dataclass(frozen=True)
class Used:
    """Milliseconds so far: of all processes of a server, and of each of PostgreSQL's that serves the database."""

    server: float
    backends: dict[int, float]

    def since(self, before: "Used") -> tuple[float, float]:
        spent = sum(ms - before.backends.get(pid, 0.0) for pid, ms in self.backends.items())
        return self.server - before.server, spent


def used(session: int, database_url: str) -> Used:
    """By the server whose processes are in this session, and by the database's own, on this machine."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        pids = connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchall()
    processes = {int(path.name): fields for path in Path("/proc").glob("[0-9]*") if (fields := _fields(path))}
    server = sum(_ms(fields) for fields in processes.values() if int(fields[SESSION]) == session)
    return Used(server, {pid: _ms(processes[pid]) for (pid,) in pids if pid in processes})


def until_idle(database_url: str) -> None:
    """Wait for what the last contestant has left unanswered: a query of seconds goes on when its client has gone."""
    deadline = time.monotonic() + MOST_SECONDS
    with psycopg.connect(database_url, autocommit=True) as connection:
        while (
            time.monotonic() < deadline
            and connection.execute(
                "SELECT FROM pg_stat_activity WHERE datname = current_database() AND state = 'active'"
                " AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
            ).fetchone()
            is not None
        ):
            time.sleep(0.05)


def _fields(process: Path) -> list[str]:
    try:
        return (process / "stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return []


def _ms(fields: list[str]) -> float:
    return (int(fields[USER]) + int(fields[SYSTEM])) * TICK_MS
