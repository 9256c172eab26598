"""The database of a run: made and migrated by VITAL, then one tenant's catalogue filled to the size wanted."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psycopg

from tests.support import databases

ROOT = Path(__file__).resolve().parents[2]
TENANT = "f7aa6fd4-0af9-4706-8b31-034f1f7accda"  # Pharma, a customer
PLATFORM = "00000000-0000-0000-0000-000000000001"
LEGACY_ROWS = "1500"

# Lengths as in the sample of the legacy catalogue: some 250 characters of text, half a dozen keys of JSON.
FILL = """
INSERT INTO public.tools (
    name, tool_key, description, category, tool_type, implementation_path, api_endpoint, documentation_url,
    input_schema, usage_examples, best_practices, metadata, avg_response_time_ms, total_calls, success_rate, is_active,
    tenant_id
)
SELECT
    (ARRAY['Trial', 'Dossier', 'Label', 'Signal', 'Assay', 'Cohort', 'Formulary', 'Protocol'])[1 + i %% 8] || ' '
        || (ARRAY['Finder', 'Checker', 'Writer', 'Planner', 'Reviewer'])[1 + i %% 5]
        || ' ' || substr(md5(i::text), 1, 8),
    'bench_tool_' || i,
    'Searches the registry for records that match the question, ranks them by evidence and recency, and returns a '
        || 'table with identifiers, dates and a short reason for each of them. Case ' || md5((i * 7)::text) || '.',
    (ARRAY['Research', 'Regulatory', 'Clinical', 'Safety', 'Market Access', ''])[1 + i %% 6], 'function',
    'vital.tools.registry.' || substr(md5(i::text), 1, 12), 'https://tools.example.org/v1/run/' || i,
    'https://docs.example.org/tools/' || i,
    jsonb_build_object('type', 'object', 'required', jsonb_build_array('query'), 'properties', jsonb_build_object(
        'query', jsonb_build_object('type', 'string'), 'limit', jsonb_build_object('type', 'integer', 'default', 20))),
    jsonb_build_array(jsonb_build_object('query', 'adverse events of ' || substr(md5(i::text), 1, 6))),
    ARRAY['state the indication', 'limit the period'],
    jsonb_build_object('tags', jsonb_build_array('bench', 'registry', 'search'), 'lifecycle_stage', 'production',
        'vendor', 'Example Ltd', 'version', '2.1.' || i %% 10, 'health_status', 'healthy'),
    200 + i %% 900, i %% 5000, 90 + i %% 10, i %% 10 <> 0, %(tenant)s
FROM generate_series(1, %(rows)s) AS i
"""


@dataclass(frozen=True)
class Database:
    """`admin_url` passes every policy (what the peers read with); `login_url` is the service's own."""

    admin_url: str
    login_url: str


@contextmanager
def migrated(server_url: str) -> Iterator[Database]:
    """A database that VITAL has migrated, and the login that VITAL makes for its service."""
    scratch = databases.create_empty(server_url, "vital_bench")
    name = f"vital_bench_login_{uuid4().hex[:12]}"
    try:
        manage(scratch.owner_url, "migrate", "--verbosity", "0")
        manage(scratch.owner_url, "generate_legacy", "--rows", LEGACY_ROWS)
        manage(scratch.owner_url, "migrate_tenants", "--yes")
        yield Database(scratch.admin_url, manage(scratch.owner_url, "create_login", name).strip())
    finally:
        databases.drop(scratch)
        with suppress(psycopg.Error):  # who closes another database meanwhile grants every login TEMPORARY in it
            databases.drop_login(server_url, name)


def manage(url: str, *arguments: str) -> str:
    """What ./manage.py prints; it leaves no logs behind."""
    with tempfile.TemporaryDirectory(prefix="vital-bench-") as folder:
        done = subprocess.run(
            [sys.executable, ROOT / "manage.py", *arguments],
            env=os.environ | {"DATABASE_URL": url, "VITAL_LOG_DIR": folder}, cwd=folder,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"./manage.py {arguments[0]} ended with {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


def fill(url: str, rows: int) -> None:
    """Exactly so many tools of the tenant; vacuumed and analysed, as autovacuum would leave them."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DELETE FROM public.tools WHERE tenant_id = %s", [TENANT])
        connection.execute(FILL, {"tenant": TENANT, "rows": rows})
        connection.execute("VACUUM (ANALYZE) public.tools")
