"""A migrated platform of five customers whose rows are backed up and then damaged, and what its rows are."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from bench.backfill.database import Bench, manage
from bench.backfill.run import say
from tests.support.databases import Scratch, rows

TENANTS, ORDERS = 5, 5  # of the rows each fifth is a tenant's, and each fifth an order; the others are lines of orders
TABLES = """
    CREATE TABLE stores (id bigint PRIMARY KEY, name text NOT NULL);
    CREATE TABLE orders (
        id bigint PRIMARY KEY, store_id bigint NOT NULL REFERENCES stores, number text NOT NULL UNIQUE, note text,
        made timestamptz NOT NULL
    );
    CREATE TABLE lines (
        id bigint PRIMARY KEY, order_id bigint NOT NULL REFERENCES orders, text text, facts jsonb, total numeric
    );
    CREATE INDEX ON orders (store_id);
    CREATE INDEX ON lines (order_id);
    INSERT INTO stores SELECT n, 'Store ' || n FROM generate_series(1, {tenants}) AS n
"""
PLAN = """
version = 1
name = "bench"
platform = "platform"
registry = "vital.registry"

[tenants]
from = "public.stores"
name = "name"

[[tenant]]
id = "00000000-0000-4000-8000-000000000001"
slug = "platform"
name = "Platform"
domain = "platform.example.com"
"""
TABLE = """
[[table]]
name = "public.{name}"
visibility = "private"
columns = {{ {column} = "integer" }}

[[table.rule]]
name = "{name} follow {parent}"
phase = "004_tenant_data"
parent = {{ column = "{column}", table = "public.{parent}", key = "id" }}
"""
STORES = """
[[table]]
name = "public.stores"
visibility = "private"
columns = { id = "integer" }

[[table.rule]]
name = "each store is a tenant of its own"
phase = "004_tenant_data"
own = true
"""
# No trigger or foreign key is asked about what holds by construction.
FILL = """
    SET session_replication_role = replica;
    INSERT INTO orders (id, store_id, number, note, made, tenant_id)
    SELECT n, s.id, 'order ' || n, repeat('x', 60), timestamptz '2026-01-01' + n * interval '1 s', s.tenant_id
    FROM generate_series(1, {orders}) AS n
    JOIN stores AS s ON s.id = 1 + n % {tenants};
    INSERT INTO lines (id, order_id, text, facts, total, tenant_id)
    SELECT n, o.id, repeat('word ' || n % 97, 20), jsonb_build_object('n', n, 'kind', n % 7), n % 997, o.tenant_id
    FROM generate_series(1, {lines}) AS n
    JOIN orders AS o ON o.id = 1 + n % {orders}
"""
# Of the first store's rows: a quarter of the orders is gone with its lines, half of the other lines are other ones.
DAMAGE = """
    CREATE TEMPORARY TABLE gone AS SELECT id FROM orders WHERE store_id = 1 AND id % 4 = 0;
    DELETE FROM lines WHERE order_id IN (SELECT id FROM gone);
    DELETE FROM orders WHERE id IN (SELECT id FROM gone);
    UPDATE lines SET text = 'lost' WHERE tenant_id = (SELECT tenant_id FROM stores WHERE id = 1) AND id % 2 = 0;
    INSERT INTO orders (id, store_id, number, note, made, tenant_id)
    SELECT {rows} + n, 1, 'new ' || n, 'added since', now(), s.tenant_id
    FROM generate_series(1, {orders} / 100) AS n
    JOIN stores AS s ON s.id = 1
"""
NAMES = ("orders", "lines")
CONTENT = """
    SELECT tenant_id = (SELECT tenant_id FROM stores WHERE id = 1), count(*), sum(hashtextextended(t::text, 0))::text
    FROM {table} AS t
    GROUP BY 1
    ORDER BY 1
"""
Content = list[list[tuple[bool, int, str]]]


@dataclass(frozen=True)
class Damaged:
    """A database for copies, its backup from before the damage, and what the rows were then. `tenant` is an id."""

    template: Scratch
    backup: Path
    before: Content
    tenant: str
    rows: int


@contextmanager
def damaged(bench: Bench, count: int) -> Iterator[Damaged]:
    """So many rows of five tenants, backed up; then a part of the first one's is changed, deleted, and added."""
    orders = count // ORDERS
    sizes = {"tenants": TENANTS, "rows": count, "orders": orders, "lines": count - orders}
    with ExitStack() as stack:
        scratch = bench.create()
        stack.callback(bench.drop, scratch)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vital-bench-")))
        say(f"filling {scratch.name} with {count:,} rows")
        _execute(scratch.owner_url, TABLES, sizes)
        manage(scratch.owner_url, "migrate_tenants", "run", "--yes", "--plan", str(plan_file(folder)))
        _execute(scratch.admin_url, FILL, sizes)
        _execute(scratch.admin_url, "VACUUM ANALYZE", sizes)
        before = content(scratch)
        backup = folder / "backup.dump"
        say("backup, then the damage")
        manage(scratch.owner_url, "backup", str(backup))
        _execute(scratch.admin_url, DAMAGE, sizes)
        _execute(scratch.admin_url, "VACUUM ANALYZE", sizes)
        _execute(scratch.admin_url, "CHECKPOINT", sizes)
        ((tenant,),) = rows(scratch.admin_url, "SELECT tenant_id::text FROM stores WHERE id = 1")
        yield Damaged(scratch, backup, before, tenant, count)


def plan_file(folder: Path) -> Path:
    """The plan of this platform, written into the folder."""
    tables = [("orders", "store_id", "stores"), ("lines", "order_id", "orders")]
    text = PLAN + STORES
    text += "".join(TABLE.format(name=name, column=column, parent=parent) for name, column, parent in tables)
    (folder / "plan.toml").write_text(text, encoding="utf-8")
    return folder / "plan.toml"


def content(scratch: Scratch) -> Content:
    """Of each table how many rows the tenant and the others have, with a fingerprint."""
    return [rows(scratch.admin_url, CONTENT.format(table=table)) for table in NAMES]


def _execute(url: str, script: str, sizes: dict[str, int]) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in script.format(**sizes).split(";"):
            connection.execute(statement.encode())
