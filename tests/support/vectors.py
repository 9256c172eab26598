"""A platform with embeddings: ten tenants of very different size in one table with an approximate index."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

import pytest

from tests.support import databases
from tests.support.command_results import Manage, said
from tests.support.databases import Scratch, rows

# How many in a thousand embeddings each tenant has.
PARTS = {
    "giant": 500, "large": 250, "upper": 120, "middle": 60, "lower": 30, "modest": 20, "small": 12, "smaller": 5,
    "tiny": 2, "least": 1,
}  # fmt: skip
PLATFORM = "platform"
IDS = {slug: str(uuid5(NAMESPACE_URL, f"vectors/{slug}")) for slug in (PLATFORM, *PARTS)}
HNSW = "CREATE INDEX passages_nearest ON passages USING hnsw (embedding vector_cosine_ops)"
IVFFLAT = "CREATE INDEX passages_nearest ON passages USING ivfflat (embedding vector_l2_ops) WITH (lists = 50)"
TABLE = """
    CREATE TABLE passages (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, org text NOT NULL, body text, embedding vector({dimensions})
    )
"""
FILL = """
    INSERT INTO passages (org, body, embedding)
    SELECT %(org)s, 'passage ' || n, v.embedding
    FROM generate_series(1, %(rows)s) AS n
    CROSS JOIN LATERAL (
        SELECT array_agg(random() - 0.5)::vector AS embedding FROM generate_series(1, %(dimensions)s) WHERE n > 0
    ) AS v
"""
TENANT = '[[tenant]]\nid = "{id}"\nslug = "{slug}"\nname = "{slug}"\ndomain = "{slug}.example.com"\n'
RULE = '[[table.rule]]\nname = "of {slug}"\nphase = "004_tenant_data"\nwhen = {{ column = "org", equals = "{slug}" }}\n'


def plan(*, shared: bool = False) -> str:
    """One table, whose rows say whose they are."""
    parts = ['version = 1\nname = "vectors"\nplatform = "platform"\nregistry = "vital.registry"\n']
    parts += [TENANT.format(slug=slug, id=key) for slug, key in IDS.items()]
    visibility = "shared" if shared else "private"
    parts += [f'[[table]]\nname = "public.passages"\ncritical = true\nvisibility = "{visibility}"\n']
    parts += [RULE.format(slug=slug) + f'tenant = "{slug}"\n' for slug in IDS]
    return "\n".join(parts)


def needs_pgvector(server_url: str) -> None:
    """Skips the test where the server has none whose scans go on."""
    found = rows(server_url, "SELECT default_version FROM pg_available_extensions WHERE name = 'vector'")
    if not found or tuple(int(part) for part in found[0][0].split(".")[:2]) < (0, 8):
        pytest.skip("needs pgvector 0.8 or later on the server, as the embedded one has it")


def fill(scratch: Scratch, total: int, dimensions: int, index: str, *, of_platform: int = 0) -> None:
    """The table with its rows, mixed as they would be, and its index."""
    needs_pgvector(scratch.admin_url)
    rows(scratch.admin_url, "CREATE EXTENSION vector")
    rows(scratch.owner_url, TABLE.format(dimensions=dimensions))
    rows(scratch.owner_url, "SELECT setseed(0.1)")
    sizes = {slug: total * part // 1000 for slug, part in PARTS.items()} | {PLATFORM: of_platform}
    for slug, count in sizes.items():
        rows(scratch.owner_url, FILL, {"org": slug, "rows": count, "dimensions": dimensions})
    if index:
        rows(scratch.owner_url, index)


@contextmanager
def isolated(
    server_url: str, manage: Manage, folder: Path, index: str = HNSW, *, total: int = 12_000, shared: bool = False
) -> Iterator[Scratch]:
    """The platform after a whole run; its plan is in the folder, and in the database."""
    scratch = databases.create_empty(server_url, "vital_vectors")
    try:
        fill(scratch, total, 8, index, of_platform=total // 20 if shared else 0)
        file = folder / "plan.toml"
        file.write_text(plan(shared=shared), encoding="utf-8")
        done = manage(scratch, "migrate_tenants", "run", "--plan", str(file), "--yes", cwd=folder, timeout=300)
        assert done.returncode == 0, said(done)
        rows(scratch.owner_url, "VACUUM ANALYZE passages")
        yield scratch
    finally:
        databases.drop(scratch)
