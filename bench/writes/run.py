"""`python -m bench.writes.run`: what isolation costs who writes, beside the same table with its foreign keys alone.

DATABASE_URL is a superuser's on a scratch server (default: the embedded PostgreSQL). The databases are dropped at the
end.
"""

import argparse
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from bench.backfill.run import embedded, machine, positive
from bench.writes import database
from bench.writes.database import NORTH
from tests.support.databases import Scratch

MANY, ALONE = 20_000, 2_000
KEYS, OWNER, TENANT = "foreign keys alone", "isolated, as owner", "isolated, as vital_tenant"
UNGUARDED, BEFORE, LATE = "isolated, but for the guards", "before 006", "before 006, without a tenant"
BATCH = f"""
    CREATE TEMPORARY TABLE batch AS
    SELECT md5('message ' || n)::uuid AS id, t.id AS thread, a.id AS author, repeat('word ', 20) AS body,
           '{NORTH}'::uuid AS tenant_id
    FROM generate_series(1, {MANY}) AS n
    JOIN (SELECT id, row_number() OVER (ORDER BY id) AS place FROM threads WHERE tenant_id = '{NORTH}') AS t
      ON t.place = 1 + n % 5000
    JOIN (SELECT id, row_number() OVER (ORDER BY id) AS place FROM accounts WHERE tenant_id = '{NORTH}') AS a
      ON a.place = 1 + n * 7 % 5000
"""
JUDGED = (OWNER, TENANT, BEFORE)
COLUMNS = ("id", "thread", "author", "body", "tenant_id")
SAVE = "UPDATE messages SET thread = %s, author = %s, body = %s, tenant_id = %s, seen = seen + 1 WHERE id = %s"


@dataclass
class Writer:
    """A contestant: a connection of its own to one of the databases, in a role, and what its writes took."""

    name: str
    connection: psycopg.Connection[Any]
    role: str = ""
    columns: tuple[str, ...] = COLUMNS
    batch: list[tuple[Any, ...]] = field(default_factory=list)
    taken: dict[str, list[tuple[float, float]]] = field(default_factory=dict)

    def prepare(self) -> None:
        self.connection.execute(BATCH)
        self.connection.execute("GRANT SELECT ON batch TO PUBLIC")
        listed = ", ".join(self.columns)
        self.batch = self.connection.execute(f"SELECT {listed} FROM batch".encode()).fetchall()

    @contextmanager
    def measured(self, way: str) -> Iterator[None]:
        """CPU seconds of the server's process, and seconds by the clock."""
        if self.role:
            self.connection.execute(f"SET ROLE {self.role}; SET vital.tenant_id = '{NORTH}'".encode())
        cpu, clock = self.cpu(), time.perf_counter()
        yield
        self.taken.setdefault(way, []).append((self.cpu() - cpu, time.perf_counter() - clock))
        self.connection.execute("RESET ROLE")

    def cpu(self) -> float:
        file = Path(f"/proc/{self.connection.info.backend_pid}/schedstat")
        return int(file.read_text().split()[0]) / 1e9 if file.exists() else 0.0

    # --- ways to write ---

    def insert_many(self) -> None:
        listed = ", ".join(self.columns)
        self.connection.execute(f"INSERT INTO messages ({listed}) SELECT {listed} FROM batch".encode())

    def copy(self) -> None:
        with self.connection.cursor().copy(f"COPY messages ({', '.join(self.columns)}) FROM STDIN".encode()) as copy:
            for row in self.batch:
                copy.write_row(row)

    def insert_each(self) -> None:
        marks = ", ".join("%s" for _ in self.columns)
        statement = f"INSERT INTO messages ({', '.join(self.columns)}) VALUES ({marks})".encode()
        for row in self.batch[:ALONE]:
            self.connection.execute(statement, row, prepare=True)

    def insert_each_in_one(self) -> None:
        with self.connection.transaction():
            self.insert_each()

    def update_many(self) -> None:
        self.connection.execute("UPDATE messages SET seen = seen + 1")

    def save_each(self) -> None:
        """Every column as it was, as an ORM writes it, and one of them changed."""
        with self.connection.transaction():
            for key, *values in self.batch[:ALONE]:
                self.connection.execute(SAVE.encode(), [*values, key], prepare=True)


@dataclass(frozen=True)
class Way:
    """How rows are written, and the most that it may cost beside foreign keys alone: of the server's CPU, or by the
    clock, which is what one waits for who asks again and again; `fills` the table before."""

    name: str
    act: Callable[[Writer], None]
    most: float
    by_the_clock: bool = False
    fills: bool = False
    superuser: bool = False


WAYS = (
    Way(f"INSERT of {MANY:,} in a statement", Writer.insert_many, 1.35),
    Way(f"COPY of {MANY:,}, as superuser", Writer.copy, 1.35, superuser=True),
    Way("INSERT one by one, each its own transaction", Writer.insert_each, 1.15, by_the_clock=True),
    Way("INSERT one by one in a transaction", Writer.insert_each_in_one, 1.15, by_the_clock=True),
    Way(f"UPDATE of {MANY:,}, another column", Writer.update_many, 1.15, fills=True),
    Way("UPDATE one by one, every column as it was", Writer.save_each, 1.15, by_the_clock=True, fills=True),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=positive, default=7, help="in alternation; the fastest counts")
    options = parser.parse_args()
    server = os.environ.pop("DATABASE_URL", "") or embedded()
    print(machine(), flush=True)
    with database.made(server) as found, ExitStack() as stack:
        owners = list(writers(found, stack, as_superuser=False))
        superusers = list(writers(found, stack, as_superuser=True))
        for writer in owners + superusers:
            writer.prepare()
        for way in WAYS:
            taking_part = [
                one for one in (superusers if way.superuser else owners) if not (way.fills and one.name == LATE)
            ]
            for number in range(options.rounds):
                for writer in taking_part if number % 2 else reversed(taking_part):
                    turn(writer, way)
            report(way, taking_part)
    print(f"\nload at the end: {os.getloadavg()[0]:.1f}")


def writers(found: dict[str, Scratch], stack: ExitStack, *, as_superuser: bool) -> Iterator[Writer]:
    """The contestants; a role is the owner's to put on, and who loads with COPY is a superuser."""
    for name, which, role, columns in (
        (KEYS, "keys", "", COLUMNS),
        (OWNER, "after", "", COLUMNS),
        (TENANT, "after", "vital_tenant", COLUMNS),
        (UNGUARDED, "unguarded", "", COLUMNS),
        (BEFORE, "before", "", COLUMNS),
        (LATE, "before", "", COLUMNS[:-1]),
    ):
        if not (as_superuser and role):
            scratch = found[which]
            url = scratch.admin_url if as_superuser else scratch.owner_url
            connection = stack.enter_context(psycopg.connect(url, autocommit=True))
            yield Writer(name, connection, role, columns)


def turn(writer: Writer, way: Way) -> None:
    writer.connection.execute("TRUNCATE messages")
    if way.fills:
        writer.insert_many()
        writer.connection.execute("VACUUM ANALYZE messages")
    with writer.measured(way.name):
        way.act(writer)


def report(way: Way, taking_part: list[Writer]) -> None:
    """The fastest of the rounds: whatever else ran made the others slower."""
    cpu, wall = ({one.name: min(took[part] for took in one.taken[way.name]) for one in taking_part} for part in (0, 1))
    print(f"\n| {way.name} | server's CPU, s | ratio | by the clock, s | ratio | wanted | |")
    print("|---|---:|---:|---:|---:|---:|---|")
    for one in taking_part:
        of_cpu, of_clock = (taken[one.name] / taken[KEYS] if taken[KEYS] else 0.0 for taken in (cpu, wall))
        found = of_clock if way.by_the_clock else of_cpu
        verdict = f"≤ {way.most:g} | {'holds' if found <= way.most else 'MISSED'}" if one.name in JUDGED else " | "
        figures = f"{cpu[one.name]:.3f} | {of_cpu:.2f} | {wall[one.name]:.3f} | {of_clock:.2f}"
        print(f"| {one.name} | {figures} | {verdict} |", flush=True)


if __name__ == "__main__":
    main()
