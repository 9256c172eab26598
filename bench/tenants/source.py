"""`python -m bench.tenants.source`: the same rows with 5,000 tenants and with three, each a row of a table.

DATABASE_URL is a superuser's on a scratch server; the databases are dropped at the end. Preview, run and undo are timed
as commands, steps as vital.step_run has them.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg

from tests.support import databases
from tests.support.databases import Scratch

ROOT = Path(__file__).resolve().parents[2]
FILL = """
    CREATE TABLE stores (id bigint PRIMARY KEY, name text NOT NULL);
    CREATE TABLE orders (
        id bigint PRIMARY KEY, store_id bigint NOT NULL REFERENCES stores, note text, total numeric,
        made timestamptz NOT NULL
    );
    INSERT INTO stores SELECT n, 'Store ' || n FROM generate_series(1, {tenants}) AS n;
    INSERT INTO orders
    SELECT n, 1 + (n::bigint * 7919) % {tenants}, repeat('x', 60), n % 997,
           timestamptz '2026-01-01' + n * interval '1 s'
    FROM generate_series(1, {rows}) AS n;
    CREATE INDEX ON orders (store_id);
    CREATE INDEX ON orders (made);
    VACUUM ANALYZE
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

[[table]]
name = "public.stores"
visibility = "private"
columns = { id = "integer" }

[[table.rule]]
name = "each store is a tenant of its own"
phase = "004_tenant_data"
own = true

[[table]]
name = "public.orders"
visibility = "private"
columns = { store_id = "integer" }

[[table.rule]]
name = "orders follow stores"
phase = "004_tenant_data"
parent = { column = "store_id", table = "public.stores", key = "id" }
"""
STEPS = """
    SELECT p.phase, s.step, s.seconds
    FROM vital.step_run AS s
    JOIN vital.phase_run AS p ON p.id = s.phase_run_id
    ORDER BY s.id
"""
SHOWN = 0.1  # seconds more than with few tenants


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--tenants", type=int, default=5_000)
    parser.add_argument("--few", type=int, default=3)
    options = parser.parse_args()
    many, few = (measured(options.rows, tenants) for tenants in (options.tenants, options.few))
    print(f"\n| {options.rows:,} rows | {options.tenants:,} tenants | {options.few:,} tenants | ratio |")
    print("|---|---:|---:|---:|")
    for what, seconds in many.items():
        other = few.get(what, 0.0)
        if seconds - other > SHOWN or what in ("preview", "run", "undo"):
            print(f"| {what}, s | {seconds:.1f} | {other:.1f} | {seconds / other if other else 0:.2f} |")


def measured(rows: int, tenants: int) -> dict[str, float]:
    """Seconds of the preview, of the run, of each of its steps, and of the undo."""
    scratch = databases.create_empty(os.environ["DATABASE_URL"], "vital_bench")
    try:
        with psycopg.connect(scratch.owner_url, autocommit=True) as connection:
            for statement in FILL.format(rows=rows, tenants=tenants).split(";"):
                connection.execute(statement.encode())
        with tempfile.TemporaryDirectory(prefix="vital-bench-") as folder:
            plan = Path(folder) / "plan.toml"
            plan.write_text(PLAN)
            found = {verb: timed(scratch, folder, verb, "--plan", str(plan)) for verb in ("preview", "run")}
            steps = databases.rows(scratch.admin_url, STEPS)
            entries, size = databases.rows(
                scratch.admin_url, "SELECT count(*), pg_total_relation_size('vital.ledger') FROM vital.ledger"
            )[0]
            found["undo"] = timed(scratch, folder, "undo")
    finally:
        databases.drop(scratch)
    print(
        f"{tenants:,} tenants: run {found['run']:.1f} s, undo {found['undo']:.1f} s,"
        f" {entries:,} entries of the ledger, {size / 1e6:,.0f} MB",
        flush=True,
    )
    return found | {f"{phase[:3]}: {step}": float(seconds) for phase, step, seconds in steps}


def timed(scratch: Scratch, folder: str, verb: str, *words: str) -> float:
    """Seconds of a command."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("VITAL_")}
    environment |= {"DATABASE_URL": scratch.owner_url, "VITAL_LOG_DIR": folder}
    command = [sys.executable, str(ROOT / "manage.py"), "migrate_tenants", verb, *words]
    started = time.monotonic()
    done = subprocess.run(
        command if verb == "preview" else [*command, "--yes"],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        sys.exit(done.stdout[-2000:] + done.stderr[-2000:])
    return time.monotonic() - started


if __name__ == "__main__":
    main()
