"""`.venv/bin/python -m bench.citus.run`: the same data on one server, and on a cluster's coordinator and workers.

CITUS_URL is a superuser's on the coordinator, DATABASE_URL one on the server beside it. Databases and logins are
dropped at the end.
"""

import argparse
import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psycopg
from psycopg import sql

from bench.api import contestants, cpu, load
from bench.api.database import TENANT, Database, fill
from bench.backfill.run import machine
from tests.support import citus, databases
from tests.support.databases import Scratch

ROOT = Path(__file__).resolve().parents[2]
PAGES = {
    "100 tools (a copy on each node)": "/api/tools-crud?limit=100",
    "100 prompts (distributed)": "/api/prompts-crud?limit=100",
    "one tool": "/api/tools-crud/{tool}",
    "one prompt": "/api/prompts-crud?action=get&id={prompt}",
}
TOOLS, WRITES = 1_000, 200
HEADERS = contestants.credential("admin")
PROMPTS = """
INSERT INTO public.prompts
SELECT made.* FROM public.prompts AS p, jsonb_populate_record(p, jsonb_build_object(
    'id', gen_random_uuid(), 'name', 'Bench ' || p.name || ' ' || left(p.id::text, 8), 'tenant_id', %(tenant)s::uuid
)) AS made
WHERE p.tenant_id <> %(tenant)s::uuid
"""
KEYS = """
SELECT (SELECT tool_key FROM public.tools WHERE tenant_id = %(tenant)s ORDER BY id LIMIT 1),
       (SELECT id::text FROM public.prompts WHERE tenant_id = %(tenant)s ORDER BY id LIMIT 1)
"""
PLACED = """
SELECT c.oid::regclass::text, p.partmethod = 'n', column_to_column_name(p.logicalrelid, p.partkey)
FROM pg_dist_partition AS p
JOIN pg_class AS c ON c.oid = p.logicalrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = 'public'
ORDER BY p.partmethod = 'n' DESC, p.colocationid, c.relname
"""
FOREIGN_KEYS = """
SELECT conrelid::regclass::text, conname FROM pg_constraint
WHERE contype = 'f' AND connamespace = 'public'::regnamespace AND conparentid = 0
"""
TRIGGERS = """
SELECT tgrelid::regclass::text, tgname FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid
WHERE NOT tgisinternal AND relnamespace = 'public'::regnamespace
"""
KEYS_WITHOUT = """
SELECT conname FROM pg_constraint
WHERE conrelid = %s::regclass AND contype IN ('p', 'u')
  AND NOT conkey @> ARRAY[(SELECT attnum FROM pg_attribute WHERE attrelid = conrelid AND attname = %s)]
"""
INDEXES_WITHOUT = """
SELECT indexrelid::regclass::text FROM pg_index
WHERE indrelid = %s::regclass AND indisunique
  AND NOT indkey::int2[] @> ARRAY[(SELECT attnum FROM pg_attribute WHERE attrelid = indrelid AND attname = %s)]
"""


@dataclass(frozen=True)
class Side:
    """A migrated database, where its rows lie, and the service's login."""

    name: str
    scratch: Scratch
    login: str

    @property
    def servers(self) -> list[str]:
        """The same database on each server that has rows of it."""
        is_cluster = citus.is_cluster(self.scratch.admin_url)
        return [self.scratch.admin_url, *(citus.workers(self.scratch.admin_url) if is_cluster else [])]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chunks", type=int, default=20_000, help="of knowledge_base; the other tables grow with it")
    parser.add_argument("--seconds", type=float, default=4, help="of load, per request and round")
    parser.add_argument("--rounds", type=int, default=3, help="in alternation; the median counts")
    options = parser.parse_args()
    one, cluster = os.environ.pop("DATABASE_URL", ""), citus.URL
    if not (one and cluster):
        sys.exit("CITUS_URL must name a superuser on a cluster's coordinator, and DATABASE_URL one on a single server.")
    if citus.is_cluster(one):
        sys.exit("DATABASE_URL names the coordinator as CITUS_URL does; spell its host in another way.")
    print(machine(), flush=True)
    with ExitStack() as stack:
        plan = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vital-bench-"))) / "plan.toml"
        plan.write_text(citus.plan(), encoding="utf-8")
        manage = Manage(plan)
        sides = [
            stack.enter_context(migrated(manage, name, url, options.chunks))
            for name, url in (("one server", one), ("coordinator and workers", cluster))
        ]
        distribution(manage, sides[1])
        requests(sides, options.rounds, options.seconds)


@dataclass(frozen=True)
class Manage:
    """./manage.py with this plan; it leaves no logs behind."""

    plan: Path

    def __call__(self, url: str, *arguments: str) -> str:
        """What it prints. Raises RuntimeError where it fails."""
        with tempfile.TemporaryDirectory(prefix="vital-bench-") as folder:
            given = {"DATABASE_URL": url, "VITAL_LOG_DIR": folder, "VITAL_PLAN": str(self.plan), "VITAL_BACKUP": "0"}
            done = subprocess.run(
                [sys.executable, ROOT / "manage.py", *arguments],
                env=os.environ | given, cwd=folder, capture_output=True, text=True, check=False,
            )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"./manage.py {arguments[0]} ended with {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout


@contextmanager
def migrated(manage: Manage, name: str, server: str, chunks: int) -> Iterator[Side]:
    scratch = databases.create_empty(server, "vital_bench")
    login = f"vital_bench_login_{uuid4().hex[:12]}"
    try:
        if citus.is_cluster(server):
            citus.introduce(scratch.admin_url, databases.OWNER)
        manage(scratch.owner_url, "migrate", "--verbosity", "0")
        manage(scratch.owner_url, "generate_legacy", "--rows", str(chunks))
        took = timed(lambda: manage(scratch.owner_url, "migrate_tenants", "--yes"))
        print(f"migrated on {name}: {took:.1f} s", flush=True)
        fill(scratch.admin_url, TOOLS)
        databases.rows(scratch.admin_url, PROMPTS, {"tenant": TENANT})
        databases.rows(scratch.admin_url, "VACUUM (ANALYZE) public.prompts")
        yield Side(name, scratch, manage(scratch.owner_url, "create_login", login).strip())
    finally:
        databases.drop(scratch)
        databases.drop_login(server, login)


def timed(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


# --- the distribution ---


def distribution(manage: Manage, cluster: Side) -> None:
    """There, back and there again, and the same tables by hand, of which nothing comes back by itself."""
    url = cluster.scratch.owner_url
    there = timed(lambda: manage(url, "distribute", "--yes"))
    placed = databases.rows(cluster.scratch.admin_url, PLACED)
    back = timed(lambda: manage(url, "distribute", "--undo", "--yes"))
    copy = databases.clone(cluster.scratch)
    try:
        by_hand = timed(lambda: distributed_by_hand(copy.admin_url, placed))
    finally:
        databases.drop(copy)
    manage(url, "distribute", "--yes")
    print(f"\n| {len(placed)} tables | seconds | / by hand |\n|---|---:|---:|")
    for what, took in (
        ("by hand: triggers and keys dropped, tables placed, nothing compared", by_hand),
        ("distribute --yes: rows compared, triggers, references and isolation kept", there),
        ("distribute --undo --yes", back),
    ):
        print(f"| {what} | {took:.1f} | {took / by_hand:.2f} |", flush=True)


def distributed_by_hand(url: str, placed: list[tuple[str, bool, str | None]]) -> None:
    """What the manual of Citus tells: no triggers, no key that lacks the tenant, then each table to its place."""
    with psycopg.connect(url, autocommit=True) as connection:
        for table, name in connection.execute(TRIGGERS).fetchall():
            run(connection, "DROP TRIGGER {name} ON {table}", table, name)
        for table, name in connection.execute(FOREIGN_KEYS).fetchall():
            run(connection, "ALTER TABLE {table} DROP CONSTRAINT {name}", table, name)
        for table, is_reference, tenant in placed:
            if is_reference:
                connection.execute("SELECT create_reference_table(%s)", [table])
                continue
            for (name,) in connection.execute(KEYS_WITHOUT, [table, tenant]).fetchall():
                run(connection, "ALTER TABLE {table} DROP CONSTRAINT {name}", table, name)
            for (name,) in connection.execute(INDEXES_WITHOUT, [table, tenant]).fetchall():
                run(connection, "DROP INDEX {table}", name)
            connection.execute("SELECT create_distributed_table(%s, %s)", [table, tenant])


def run(connection: "psycopg.Connection[tuple[object, ...]]", statement: str, table: str, name: str = "") -> None:
    """`table` is as SQL spells it."""
    connection.execute(sql.SQL(statement).format(table=sql.SQL(table), name=sql.Identifier(name)))  # type: ignore[arg-type]


# --- requests ---


def requests(sides: list[Side], rounds: int, seconds: float) -> None:
    """Each page from a service on each side, in turns, with nothing remembered between requests."""
    rows: dict[str, list[tuple[float, float]]] = {}
    with ExitStack() as stack:
        services = [
            stack.enter_context(contestants.cold(Database(side.scratch.admin_url, side.login))) for side in sides
        ]
        keys = [databases.rows(side.scratch.admin_url, KEYS, {"tenant": TENANT})[0] for side in sides]
        for what, page in PAGES.items():
            measured: list[list[tuple[float, float]]] = [[], []]
            for _ in range(rounds + 1):  # the first one warms up
                for side, served, (tool, prompt), into in zip(sides, services, keys, measured, strict=True):
                    into.append(loaded(side, served, page.format(tool=tool, prompt=prompt), seconds))
            rows[what] = [middle(into[1:]) for into in measured]
        written = [writes(served, str(prompt)) for served, (_, prompt) in zip(services, keys, strict=True)]
    print("\n| request | one server, 1/s | cluster, 1/s | ratio | one server, ms of processor | cluster | ratio |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for what, ((alone, alone_cpu), (spread, spread_cpu)) in rows.items():
        of_cpu = f"{alone_cpu:.1f} | {spread_cpu:.1f} | {spread_cpu / alone_cpu:.2f}"
        print(f"| {what} | {alone:.0f} | {spread:.0f} | {spread / alone:.2f} | {of_cpu} |")
    alone, spread = written
    print(
        f"| a prompt is changed, one after the other | {alone:.0f} | {spread:.0f} | {spread / alone:.2f} | | | |",
        flush=True,
    )


def loaded(side: Side, served: contestants.Served, path: str, seconds: float) -> tuple[float, float]:
    """Requests a second of eight clients, and milliseconds of processor time a request on all servers together."""
    before, began = spent(side, served), time.perf_counter()
    found = load.on(served.port, path, HEADERS, clients=8, seconds=seconds)
    answers = found.per_second * (time.perf_counter() - began)
    used = sum(sum(now.since(then)) for now, then in zip(spent(side, served), before, strict=True))
    return found.per_second, used / answers


def spent(side: Side, served: contestants.Served) -> list[cpu.Used]:
    """Of the service, which is counted once, and of each server's backends."""
    first, *others = side.servers
    return [cpu.used(served.session, first), *(cpu.used(0, url) for url in others)]


def writes(served: contestants.Served, prompt: str) -> float:
    """Changes of one prompt a second, each answered before the next."""
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=60)
    headers = HEADERS | {"Content-Type": "application/json"}
    took = []
    for number in range(WRITES):
        body = json.dumps({"id": prompt, "description": f"Changed {number} times."})
        began = time.perf_counter()
        connection.request("PUT", "/api/prompts-crud", body, headers)
        answer = connection.getresponse()
        said = answer.read()
        if answer.status != 200:
            raise load.BadAnswers(f"{answer.status} {said[:500]!r}")
        took.append(time.perf_counter() - began)
    return 1 / statistics.median(took)


def middle(found: list[tuple[float, float]]) -> tuple[float, float]:
    return statistics.median(one for one, _ in found), statistics.median(other for _, other in found)


if __name__ == "__main__":
    main()
