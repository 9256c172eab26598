"""`python -m bench.isolation.run`: how long the proof of isolation takes at 10, 100 and 1,000 tenants.

DATABASE_URL is a superuser's on a scratch server; the database is dropped at the end. Twelve tables hold a million
rows, and each but the first refers to the one before.
"""

import os
import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from tenants.isolation import database_probe
from tests.support import databases, isolated
from tests.support.databases import Scratch

TABLES, ROWS = 12, 1_000_000
TENANTS = (10, 100, 1_000)
BUDGET = 600.0
OLDEST = """
    SELECT COALESCE(max(extract(epoch FROM clock_timestamp() - xact_start)), 0)
    FROM pg_stat_activity WHERE application_name = 'attack run'
"""


def main() -> None:
    scratch = databases.create_empty(os.environ["DATABASE_URL"], "vital_bench")
    try:
        isolated.prepare(scratch)
        print("| tenants | seconds | attacks | seconds for 100 tenants | longest transaction, s | memory, MB |")
        print("|---:|---:|---:|---:|---:|---:|")
        for tenants in TENANTS:
            measure(scratch, tenants)
    finally:
        databases.drop(scratch)


def measure(scratch: Scratch, tenants: int) -> None:
    names = [f"t{number}" for number in range(TABLES)]
    with (
        isolated.session_of(scratch) as session,
        isolated.isolated(session, *filled(tenants), tables=names) as inventory,
    ):
        session.execute("VACUUM ANALYZE")
        with longest_transaction(scratch) as longest:
            report = database_probe.prove(session, inventory, budget=BUDGET)
    assert report.holds, report.leaks[:3]
    assert report.complete, report.not_reached
    attacks, memory = report.document()["attacks"], resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    per_hundred = report.seconds / tenants * 100
    print(
        f"| {tenants:,} | {report.seconds:.1f} | {attacks:,} | {per_hundred:.1f} | {max(longest):.1f} | {memory} |",
        flush=True,
    )


def filled(tenants: int) -> Iterator[str]:
    """Statements that make the tables and their rows."""
    yield f"""
        INSERT INTO {{s}}.tenants SELECT lpad(to_hex(n + 100), 32, '0')::uuid, 'Tenant ' || n, 'tenant-' || n
        FROM generate_series(1, {tenants - 3}) AS n
    """
    for number in range(TABLES):
        refers = f", before bigint NOT NULL REFERENCES {{s}}.t{number - 1}" if number else ""
        yield f"""
            CREATE TABLE {{s}}.t{number} (
                id bigint PRIMARY KEY, tenant_id uuid NOT NULL REFERENCES {{s}}.tenants, name text NOT NULL,
                made timestamptz NOT NULL DEFAULT now(){refers}
            )
        """
        yield f"""
            WITH cast_ AS (SELECT array_agg(id) AS ids FROM {{s}}.tenants)
            INSERT INTO {{s}}.t{number} (id, tenant_id, name{", before" if number else ""})
            SELECT n, ids[1 + n % cardinality(ids)], 'row ' || n{", n" if number else ""}
            FROM cast_, generate_series(1, {ROWS // TABLES}) AS n
        """
        yield f"CREATE INDEX ON {{s}}.t{number} (tenant_id)"
        if number:
            yield f"CREATE INDEX ON {{s}}.t{number} (before)"


@contextmanager
def longest_transaction(scratch: Scratch) -> Iterator[list[float]]:
    """How old the proof's transactions were, looked at again and again."""
    seen, over = [0.0], threading.Event()

    def look() -> None:
        with psycopg.connect(scratch.admin_url, autocommit=True) as connection:
            while not over.wait(0.1):
                seen.append(float(connection.execute(OLDEST.encode()).fetchone()[0]))  # type: ignore[index]  # one row

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield seen
    finally:
        over.set()
        watcher.join()


if __name__ == "__main__":
    main()
