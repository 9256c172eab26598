"""`python -m bench.vectors.run`: recall@10 of ten tenants behind isolation, before `vectors --yes` and after it.

DATABASE_URL is a superuser's on a scratch server that has pgvector (default: the embedded PostgreSQL). The database is
dropped at the end.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.backfill.run import embedded, machine, positive
from bench.writes.database import ROOT, migrate
from tests.support import databases, vectors
from tests.support.databases import Scratch, rows

INDEXES = {
    "hnsw": vectors.HNSW,
    "ivfflat": vectors.IVFFLAT.replace("vector_l2_ops", "vector_cosine_ops").replace("50", "450"),
}
TOPICS = 1_000
# Embeddings lie in clusters, in far fewer directions than they have dimensions, as those of texts do: sixteen numbers
# are repeated, with a little noise. Every tenant writes about every topic, so that others' rows lie everywhere.
DIRECTIONS = 16
MAKE_TOPICS = """
    CREATE TABLE topics AS
    SELECT n, v.center FROM generate_series(1, %(topics)s) AS n
    CROSS JOIN LATERAL (
        SELECT array_agg(random() - 0.5)::vector AS center FROM generate_series(1, %(directions)s) WHERE n > 0
    ) AS v
"""
FILL = """
    INSERT INTO passages (org, body, embedding)
    SELECT %(org)s, 'passage ' || p.n, v.embedding
    FROM generate_series(1, %(rows)s) AS p (n)
    JOIN topics AS t ON t.n = 1 + p.n * 7919 %% %(topics)s
    CROSS JOIN LATERAL (
        SELECT (t.center + array_agg(0.6 * (random() - 0.5))::vector)::real[] AS short
        FROM generate_series(1, %(directions)s) WHERE p.n > 0
    ) AS s
    CROSS JOIN LATERAL (
        SELECT array_agg(s.short[1 + place %% %(directions)s] + 0.02 * (random() - 0.5))::vector AS embedding
        FROM generate_series(1, %(dimensions)s) AS place
    ) AS v
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=positive, default=200_000, help="embeddings")
    parser.add_argument("--dimensions", type=positive, default=128)
    parser.add_argument("--sample", type=positive, default=20, help="questions for each tenant")
    parser.add_argument("--methods", nargs="+", choices=list(INDEXES), default=list(INDEXES))
    given = parser.parse_args()
    server = os.environ.get("DATABASE_URL") or embedded()
    print(f"{machine()}; {given.rows:,} embeddings of {given.dimensions} dimensions\n", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        scratch = databases.create_empty(server, "vital_bench")
        try:
            fill(scratch, given.rows, given.dimensions, Path(folder) / "plan.toml")
            for method in given.methods:
                measured(scratch, method, given.sample)
        finally:
            databases.drop(scratch)


def fill(scratch: Scratch, total: int, dimensions: int, plan: Path) -> None:
    """The table, migrated; the index comes after, as a row that is assigned is written into every index anew."""
    rows(scratch.admin_url, "CREATE EXTENSION vector")
    rows(scratch.owner_url, vectors.TABLE.format(dimensions=dimensions))
    rows(scratch.owner_url, MAKE_TOPICS, {"topics": TOPICS, "directions": DIRECTIONS})
    for slug, part in vectors.PARTS.items():
        facts = {"org": slug, "rows": total * part // 1000, "topics": TOPICS, "directions": DIRECTIONS}
        rows(scratch.owner_url, FILL, facts | {"dimensions": dimensions})
    rows(scratch.owner_url, "DROP TABLE topics")
    plan.write_text(vectors.plan(), encoding="utf-8")
    began = time.monotonic()
    migrate(scratch, plan)
    print(f"Migrated in {time.monotonic() - began:.1f} s.\n", flush=True)


def measured(scratch: Scratch, method: str, sample: int) -> None:
    began = time.monotonic()
    joined = "&" if "?" in scratch.owner_url else "?"
    rows(f"{scratch.owner_url}{joined}options=-c%20maintenance_work_mem%3D1GB", INDEXES[method])
    rows(scratch.owner_url, "VACUUM ANALYZE passages")
    print(f"## {method}\n\nBuilt in {time.monotonic() - began:.1f} s.", flush=True)
    began = time.monotonic()
    found = called(scratch, "--sample", str(sample), "--yes")
    took = time.monotonic() - began
    for one in found["proposals"]:
        print(f"- {one['outcome']}: " + "; ".join(one["statements"]))
    (before,), (after,) = found["indexes"], found["after"]
    table(before["tenants"], after["tenants"])
    worst = min(tenant["recall"] for tenant in after["tenants"])
    verdict = "holds" if worst >= found["wanted"] else "MISSED"
    print(
        f"\nworst recall {worst:.3f}, wanted ≥ {found['wanted']}: {verdict}. With all measuring: {took:.1f} s\n",
        flush=True,
    )
    called(scratch, "--undo")
    rows(scratch.owner_url, "DROP INDEX passages_nearest")


def table(before: Sequence[dict[str, Any]], after: Sequence[dict[str, Any]]) -> None:
    """Both, tenant by tenant, the largest first."""
    print("\n| tenant | rows | recall before | of 10 | ms | recall after | of 10 | ms | answered by | exact, ms |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|---|---:|")
    now = {tenant["name"]: tenant for tenant in after}
    for was in before:
        one = now[was["name"]]
        print(
            f"| {was['name']} | {was['rows']:,} | {was['recall']:.3f} | {was['returned']} | {was['ms']:.1f}"
            f" | {one['recall']:.3f} | {one['returned']} | {one['ms']:.1f} | {one['plan']} | {one['exact_ms']:.1f} |"
        )


def called(scratch: Scratch, *options: str) -> dict[str, Any]:
    environment = os.environ | {"DATABASE_URL": scratch.owner_url}
    command = [sys.executable, "manage.py", "migrate_tenants", "vectors", "--json", *options]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode > 1:
        sys.exit(done.stdout + done.stderr)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    main()
