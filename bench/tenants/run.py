"""`python -m bench.tenants.run`: what a list costs behind VITAL's policies at 10, 1,000 and 100,000 tenants.

DATABASE_URL is a superuser's on a scratch server; the database is dropped at the end. Each table has a million rows.
"""

import os
import random
import statistics
import time
from uuid import UUID

import psycopg

from tenants.isolation import wanted
from tests.support import databases
from vital.db import roles, sql

ROWS, ROUNDS = 1_000_000, 400
TENANTS = (10, 1_000, 100_000)
PLATFORM = UUID(int=1)
FILL = """
    DROP TABLE IF EXISTS public.items CASCADE;
    CREATE TABLE public.items (
        id bigint PRIMARY KEY, tenant_id uuid NOT NULL, name text NOT NULL, made timestamptz NOT NULL
    );
    INSERT INTO public.items
    SELECT n, lpad(to_hex(2 + n % {tenants}), 32, '0')::uuid, 'item ' || n,
           timestamptz '2026-01-01' + n * interval '1 s'
    FROM generate_series(1, {rows}) AS n;
    CREATE INDEX ON public.items (tenant_id, made DESC);
    VACUUM ANALYZE public.items
"""
# As the API asks: the tenant's rows and the Platform's, each in the order of an index.
BRANCH = "(SELECT id, name, made FROM public.items WHERE tenant_id = %s ORDER BY made DESC LIMIT 50)"
LIST = f"{BRANCH} UNION ALL {BRANCH} ORDER BY made DESC LIMIT 50"
ALONE = "SELECT id, name FROM public.items ORDER BY made DESC LIMIT 50"  # nothing but the policies says whose


def main() -> None:
    scratch = databases.create_empty(os.environ["DATABASE_URL"], "vital_bench")
    try:
        with psycopg.connect(scratch.admin_url, autocommit=True) as connection:
            for role in roles.ROLES:
                if connection.execute(sql.text_of(roles.exists(role)).encode()).fetchone() != (True,):
                    connection.execute(sql.text_of(roles.create(role)).encode())
            print("| tenants | rows of each | without policies, ms | behind them, ms | ratio | policies alone, ms |")
            print("|---:|---:|---:|---:|---:|---:|")
            for tenants in TENANTS:
                measure(connection, tenants)
    finally:
        databases.drop(scratch)


def measure(connection: psycopg.Connection[tuple[object, ...]], tenants: int) -> None:
    for statement in FILL.format(tenants=tenants, rows=ROWS).split(";"):
        connection.execute(statement.encode())
    for policy in wanted.policies(shared=True, platform=str(PLATFORM), column="tenant_id"):
        connection.execute(sql.text_of(wanted.creation(policy, "public.items")).encode())
    connection.execute(b"ALTER TABLE public.items ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    connection.execute(b"GRANT SELECT ON public.items TO vital_tenant")
    draw = random.Random(7)
    plain, fenced, alone = list[float](), list[float](), list[float]()
    for _ in range(ROUNDS):
        tenant = str(UUID(int=2 + draw.randrange(tenants)))
        both = [tenant, str(PLATFORM)]
        plain.append(timed(connection, LIST, both, ""))
        fenced.append(timed(connection, LIST, both, tenant))
        alone.append(timed(connection, ALONE, [], tenant))
    one, other, third = map(statistics.median, (plain, fenced, alone))
    print(
        f"| {tenants:,} | {ROWS // tenants:,} | {one:.2f} | {other:.2f} | {other / one:.2f} | {third:.2f} |", flush=True
    )


def timed(connection: psycopg.Connection[tuple[object, ...]], query: str, params: list[str], tenant: str) -> float:
    """Milliseconds of the query, as this tenant; as the superuser where none is named."""
    with connection.transaction():
        if tenant:
            settings = "SELECT set_config('role', 'vital_tenant', true), set_config('vital.tenant_id', %s, true)"
            connection.execute(settings, [tenant])
        started = time.perf_counter()
        connection.execute(query.encode(), params).fetchall()
        return (time.perf_counter() - started) * 1000


if __name__ == "__main__":
    main()
