"""`python -m bench.preview.run --chunks 1000000`: the one question of a preview about a big table, beside plain scans.

DATABASE_URL is a superuser's on a scratch server. The database is dropped at the end.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import django

ROUNDS = 3
FILL = """
    INSERT INTO knowledge_sources (id, title, domain)
    SELECT md5('source ' || n)::uuid, 'source ' || n, (ARRAY['anatomy', 'regulatory', 'wearables', 'sleep'])[1 + n %% 4]
    FROM generate_series(1, greatest(1, {chunks} / 20)) AS n;
    INSERT INTO knowledge_base (source_id, chunk_index, content, content_hash, domain)
    SELECT md5('source ' || 1 + n %% greatest(1, {chunks} / 20))::uuid, n, repeat('word ' || n, 30), md5(n::text),
           (ARRAY['anatomy', 'regulatory', 'wearables', 'sleep', 'oncology', 'market_access', 'nothing'])[1 + n %% 7]
    FROM generate_series(1, {chunks}) AS n;
    VACUUM ANALYZE knowledge_base;
    ANALYZE knowledge_sources
"""
LIGHTEN = """
    SELECT 'DROP INDEX ' || quote_ident(indexname) FROM pg_indexes
    WHERE tablename = 'knowledge_base' AND starts_with(indexname, 'idx_')
"""
SCANS = {
    "a scan (count)": "SELECT count(*) FROM knowledge_base",
    "a scan that reads tenant and domain": "SELECT tenant_id, domain, count(*) FROM knowledge_base GROUP BY 1, 2",
    "a scan that asks each rule": "SELECT {rules}, count(*) FROM knowledge_base AS batch GROUP BY 1, 2, 3, 4",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chunks", type=int, default=1_000_000)
    chunks = parser.parse_args().chunks
    from tests.support import databases

    scratch = databases.create_empty(os.environ["DATABASE_URL"], "vital_bench")
    os.environ |= {"DATABASE_URL": scratch.owner_url, "DJANGO_SETTINGS_MODULE": "vital.settings"}
    django.setup()
    try:
        measure(chunks)
    finally:
        databases.drop(scratch)


def measure(chunks: int) -> None:
    from django.conf import settings
    from django.core.management import call_command

    from migrations_ops import phase_state
    from migrations_ops.preview import service as previews
    from migrations_ops.preview.inputs import Asking
    from migrations_ops.rules.comparisons import condition
    from migrations_ops.rules.load import load
    from vital.db import sql

    call_command("migrate", verbosity=0)
    with phase_state.open_session() as session:
        for (drop,) in session.execute(LIGHTEN):
            session.execute(sql.verbatim(drop))
        for statement in FILL.format(chunks=chunks).split(";"):
            session.execute(statement)
        session.execute("SET max_parallel_workers_per_gather = 0")
        asking = Asking(session, load(Path(settings.PLAN)), print)
        spec = asking.plan.table("public.knowledge_base")
        asked = sql.join([condition("batch", rule.when) for rule in spec.rules], ", ")
        for name, statement in SCANS.items():
            told(name, partial(session.execute, sql.compose(statement, rules=asked)))
        told("the preview's question", lambda: asking.groups(spec))
        session.execute("RESET max_parallel_workers_per_gather")
        told("the whole preview", lambda: previews.preview(None, print))


def told(name: str, work: Callable[[], object]) -> None:
    """The median of some rounds, after one to warm up."""
    times = []
    for _ in range(ROUNDS + 1):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    print(f"{statistics.median(times[1:]):8.2f} s  {name}", flush=True)


if __name__ == "__main__":
    main()
