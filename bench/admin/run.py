"""`python -m bench.admin.run --chunks 500 5000000 --tenants 1000`: the admin's pages at both sizes, as ratios.

DATABASE_URL is a superuser's on a scratch server; the databases are dropped at the end. Each is migrated whole.
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django

ROOT = Path(__file__).resolve().parents[2]
ROUNDS = 15
LIST = "/admin/catalog/knowledgechunk/"
PHARMA = "f7aa6fd4-0af9-4706-8b31-034f1f7accda"
WANTED = 2.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chunks", type=int, nargs="+", default=[500, 5_000_000])
    parser.add_argument("--tenants", type=int, default=1_000, help="beside the plan's, each with traffic of a day")
    options = parser.parse_args()
    sizes = options.chunks
    from tests.support import databases

    server = os.environ["DATABASE_URL"]
    os.environ |= {"DJANGO_SETTINGS_MODULE": "vital.settings", "VITAL_DEMO": "1", "VITAL_LOG_LEVEL": "error"}
    os.environ |= {"VITAL_SECRET_KEY": "for-the-bench-only", "VITAL_BACKUP": "0"}
    found: dict[int, dict[str, float]] = {}
    for size in sizes:
        scratch = databases.create_empty(server, "vital_bench")
        os.environ["DATABASE_URL"] = scratch.owner_url
        try:
            started = time.monotonic()
            filled_and_migrated(size)
            print(f"{size:,} chunks: filled and migrated in {time.monotonic() - started:.0f} s", flush=True)
            with_tenants(options.tenants)
            found[size] = measured(scratch.owner_url)
        finally:
            databases.drop(scratch)
    report(found)


def filled_and_migrated(size: int) -> None:
    import psycopg

    from bench.preview.run import FILL, LIGHTEN

    manage("migrate", "--verbosity", "0")
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        for (statement,) in connection.execute(LIGHTEN).fetchall():
            connection.execute(statement)
        for statement in FILL.format(chunks=size).replace("%%", "%").split(";"):
            connection.execute(statement.encode())
    manage("migrate_tenants", "--yes")
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        for column in ("source_id", "content_hash", "pinecone_id"):  # as in the platform's own table
            connection.execute(f"CREATE INDEX ON public.knowledge_base ({column})".encode())
        connection.execute("ANALYZE")


TENANTS = """
    INSERT INTO public.tenants (name, slug, compliance_level, is_active, settings, metadata, created_at, updated_at)
    SELECT 'Tenant ' || n, 'bench-' || n, t.compliance_level, true, t.settings, '{{}}', now(), now()
    FROM generate_series(1, {tenants}) AS n CROSS JOIN (SELECT * FROM public.tenants WHERE slug = 'pharma') AS t;
    INSERT INTO vital.tenant (id, schema_name, isolation)
    SELECT id, slug, 'pooled' FROM public.tenants WHERE slug LIKE 'bench-%%';
    INSERT INTO vital.domain (domain, is_primary, tenant_id)
    SELECT slug, false, id FROM public.tenants WHERE slug LIKE 'bench-%%';
    RESET ROLE;
    INSERT INTO vital.traffic (hour, tenant_id, requests, refused, failed)
    SELECT date_trunc('hour', now()) - make_interval(hours => h), id, 10 + h, 1, 0
    FROM vital.tenant CROSS JOIN generate_series(0, 167) AS h
"""


def with_tenants(tenants: int) -> None:
    """As the superuser of the database's server would add them: past row level security."""
    import psycopg

    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute("SET ROLE vital_operator")
        for statement in TENANTS.format(tenants=tenants).replace("%%", "%").split(";"):
            connection.execute(statement.encode())
        connection.execute("ANALYZE")


def manage(*words: str) -> None:
    done = subprocess.run([sys.executable, ROOT / "manage.py", *words], capture_output=True, text=True, cwd="/tmp")
    if done.returncode:
        sys.exit(done.stdout[-2000:] + done.stderr[-2000:])


def measured(url: str) -> dict[str, float]:
    """Milliseconds (median) of each page, asked in this process."""
    django.setup()
    from django.conf import settings
    from django.contrib.auth.models import User
    from django.db import connection
    from django.test import Client

    from vital import logs
    from vital.db.base import settings_for

    logs.configure()
    connection.close()
    connection.settings_dict.update(settings_for(url))
    settings.SESSION_COOKIE_SECURE, settings.ALLOWED_HOSTS = False, ["testserver"]
    client = Client()
    client.force_login(User.objects.create_superuser("bench"))
    with connection.cursor() as cursor:
        cursor.execute("SELECT id::text FROM public.knowledge_base ORDER BY id OFFSET 100 LIMIT 1")
        ((key,),) = cursor.fetchall()
    rule = re.search(r"\?rule=([^\"&]+)", client.get(LIST).content.decode())
    runs, tenants = "/admin/migrations_ops/run/", "/admin/tenants/tenantrecord/"
    pages = {
        "the dashboard": "/admin/",
        "the runs": runs,
        "a run": f"{runs}1/change/",
        "a run, live": f"{runs}1/live/",
        "the start of a run": f"{runs}start/",
        "a run's report": f"{runs}1/report/",
        "the tenants": tenants,
        "a tenant": f"{tenants}{PHARMA}/change/",
        "a new tenant": f"{tenants}new/",
        "an import": f"{tenants}import/",
        "the first page": LIST,
        "a page in the middle": f"{LIST}?p=after-7fffffff-0000-4000-8000-000000000000",
        "the last page": f"{LIST}?p=before-ffffffff-ffff-ffff-ffff-ffffffffffff",
        "a tenant's rows": f"{LIST}?tenant__id__exact={PHARMA}",
        "a rule's rows": f"{LIST}?rule={rule[1] if rule else ''}",
        "a search by key": f"{LIST}?q={key}",
        "a row and why it is there": f"{LIST}{key}/change/",
    }
    found = {name: median(lambda page=page: asked(client, page)) for name, page in pages.items()}
    return {"the dashboard, nothing remembered": median(lambda: asked_anew(client))} | found


def asked_anew(client: Any) -> None:
    from migrations_ops.reports import service as reports

    for memory in (reports._now, reports._ownership, reports._traffic):
        memory.forget()
    asked(client, "/admin/")


def asked(client: Any, page: str) -> None:
    answer = client.get(page)
    assert answer.status_code == 200, (page, answer.status_code)


def median(act: Callable[[], None]) -> float:
    act()
    times = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        act()
        times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times)


def report(found: dict[int, dict[str, float]]) -> None:
    small, large = min(found), max(found)
    print(f"| | {small:,} rows, ms | {large:,} rows, ms | ratio |\n|---|---:|---:|---:|")
    for name, ms in found[small].items():
        ratio = found[large][name] / ms
        print(
            f"| {name} | {ms:.0f} | {found[large][name]:.0f} | {ratio:.2f}{'' if ratio <= WANTED else ' (wanted 2)'} |"
        )


if __name__ == "__main__":
    main()
