"""The databases of a run: a template filled and brought up to phase 002 once, and a copy of it per contestant."""

import os
import re
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psycopg
from psycopg import sql

from tests.support import databases
from tests.support.databases import Scratch
from vital.db.roles import ROLES

ROOT = Path(__file__).resolve().parents[2]
PLAN = ROOT / "migrations_ops" / "rules" / "vital.toml"
TABLE = "public.knowledge_base"
SEED_ROWS = 50_000  # made by generate_legacy, row by row; the rest is multiplied inside the server

# One round more of the seed's sources and chunks: other ids, other text, and so other hashes.
MULTIPLY_SOURCES = """
INSERT INTO public.knowledge_sources
SELECT (jsonb_populate_record(s, jsonb_build_object('id', md5(s.id::text || %(round)s)::uuid))).*
FROM bench_sources AS s
"""
MULTIPLY_CHUNKS = """
INSERT INTO public.knowledge_base (
    id, source_id, tenant_id, chunk_index, content, content_hash, pinecone_id, metadata, domain, tags, is_active,
    created_at, updated_at
)
SELECT fresh.id, md5(s.source_id::text || %(round)s)::uuid, s.tenant_id, s.chunk_index, fresh.content,
       encode(sha256(convert_to(fresh.content, 'UTF8')), 'hex'),
       CASE WHEN s.pinecone_id IS NOT NULL THEN 'kb-' || substr(fresh.id::text, 15) || '-' || %(round)s END,
       s.metadata || jsonb_build_object('char_count', length(fresh.content)), s.domain, s.tags, s.is_active,
       s.created_at, s.updated_at
FROM (SELECT * FROM bench_chunks ORDER BY place LIMIT %(rows)s) AS s
CROSS JOIN LATERAL (
    SELECT gen_random_uuid() AS id,
           s.content || ' Case ' || substr(md5(s.id::text || %(round)s), 1, 8) || '.' AS content
) AS fresh
"""
INDEXES = """
SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid)
FROM pg_index AS i
WHERE i.indrelid = ANY(ARRAY['public.knowledge_base', 'public.knowledge_sources']::regclass[])
  AND NOT EXISTS (SELECT FROM pg_constraint AS c WHERE c.conindid = i.indexrelid)
"""
CONSTRAINTS = """
SELECT conname, pg_get_constraintdef(oid)
FROM pg_constraint
WHERE conrelid = 'public.knowledge_base'::regclass AND contype IN ('p', 'u')
"""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Bench:
    """A server, and the plain role that owns every database of the run."""

    server_url: str
    owner: str
    password: str

    def create(self, template: Scratch | None = None) -> Scratch:
        """A new database of the owner's; empty, or as the template is."""
        scratch = self._scratch()
        parts = {"name": sql.Identifier(scratch.name), "owner": sql.Identifier(self.owner)}
        if template is None:
            self.execute(sql.SQL("CREATE DATABASE {name} OWNER {owner} ENCODING 'UTF8' TEMPLATE template0"), parts)
            with psycopg.connect(scratch.admin_url, autocommit=True) as connection:
                connection.execute(sql.SQL("ALTER SCHEMA public OWNER TO {owner}").format(**parts))
            return scratch
        parts["template"] = sql.Identifier(template.name)
        # The other strategy of 15 and later writes every page of the copy to the WAL.
        by_file = " STRATEGY file_copy" if self.version >= 150000 else ""
        self.execute(sql.SQL("CREATE DATABASE {name} OWNER {owner} TEMPLATE {template}" + by_file), parts)
        return scratch

    def drop(self, scratch: Scratch) -> None:
        self.execute(sql.SQL("DROP DATABASE IF EXISTS {name} WITH (FORCE)"), {"name": sql.Identifier(scratch.name)})

    def execute(self, statement: sql.SQL, parts: dict[str, sql.Composable]) -> None:
        with psycopg.connect(self.server_url, autocommit=True) as connection:
            connection.execute(statement.format(**parts))

    @property
    def version(self) -> int:
        with psycopg.connect(self.server_url) as connection:
            return connection.info.server_version

    def _scratch(self) -> Scratch:
        named = Scratch("", "", f"vital_bench_{uuid4().hex[:12]}")
        admin = databases.same_login(self.server_url, named)
        return Scratch(admin, databases.login_url(admin, self.owner, self.password), named.name)


@contextmanager
def on(server_url: str) -> Iterator[Bench]:
    """The server with an owner of the run's own, who goes again at the end, when the databases are gone."""
    bench = Bench(server_url, f"vital_bench_owner_{uuid4().hex[:12]}", secrets.token_hex(8))
    name = {"name": sql.Identifier(bench.owner)}
    role = "CREATE ROLE {name} LOGIN NOSUPERUSER NOBYPASSRLS CREATEROLE PASSWORD {password}"
    try:
        bench.execute(sql.SQL(role), name | {"password": sql.Literal(bench.password)})
        _let_become(bench, name)
        yield bench
    finally:
        forget(bench)


def _let_become(bench: Bench, name: dict[str, sql.Composable]) -> None:
    """VITAL's roles that another owner has made, on an earlier run; before 16 an owner takes them by itself."""
    there = databases.rows(bench.server_url, "SELECT rolname FROM pg_roles WHERE rolname = ANY(%s)", [[*ROLES]])
    for (role,) in there if bench.version >= 160000 else []:
        grant = sql.SQL("GRANT {role} TO {name} WITH INHERIT FALSE, SET TRUE")
        bench.execute(grant, name | {"role": sql.Identifier(role)})


def forget(bench: Bench) -> None:
    """Drop the owner, unless databases that were kept are still its own. (Who closes another database meanwhile grants
    every login TEMPORARY in it, and may do so between two looks.)"""
    for _ in range(5):
        owned = databases.rows(
            bench.server_url,
            "SELECT FROM pg_database AS d JOIN pg_roles AS r ON r.oid = d.datdba WHERE r.rolname = %s",
            [bench.owner],
        )
        if owned:
            return
        with suppress(psycopg.Error):
            return databases.drop_login(bench.server_url, bench.owner)


@contextmanager
def template(bench: Bench, chunks: int, say: Say, *, keep: bool) -> Iterator[Scratch]:
    """A database with so many chunks, its schema fixed and its tenants set up, where only the assignment is left."""
    with ExitStack() as stack:
        scratch = bench.create()
        if not keep:
            stack.callback(bench.drop, scratch)
        say(f"filling {scratch.name} with {chunks:,} chunks")
        manage(scratch.owner_url, "migrate", "--verbosity", "0")
        manage(scratch.owner_url, "generate_legacy", "--rows", str(min(chunks, SEED_ROWS)))
        multiply(scratch.admin_url, chunks, say)
        say("phases 000 to 002")
        with plan_file() as plan:
            manage(scratch.owner_url, "migrate_tenants", "run", "--to", "002", "--yes", "--plan", str(plan))
        say("VACUUM, ANALYZE and CHECKPOINT")
        with psycopg.connect(scratch.admin_url, autocommit=True) as connection:
            connection.execute("VACUUM (ANALYZE)")
            connection.execute("CHECKPOINT")
        yield scratch


def multiply(url: str, chunks: int, say: Say) -> None:
    """From the seed to so many chunks, with the indexes of the baseline schema built at the end."""
    if chunks <= SEED_ROWS:
        return
    with psycopg.connect(url, autocommit=True) as connection:
        indexes, constraints = connection.execute(INDEXES).fetchall(), connection.execute(CONSTRAINTS).fetchall()
        for name, _ in indexes:
            connection.execute(f"DROP INDEX {name}")
        for name, _ in constraints:
            connection.execute(f"ALTER TABLE {TABLE} DROP CONSTRAINT {name}")
        # No foreign key is asked 10 million times about what holds by construction.
        connection.execute("SET session_replication_role = replica")
        connection.execute("CREATE TEMPORARY TABLE bench_sources AS SELECT * FROM public.knowledge_sources")
        connection.execute(
            f"CREATE TEMPORARY TABLE bench_chunks AS SELECT *, row_number() OVER () AS place FROM {TABLE}"
        )
        for number, made in enumerate(range(SEED_ROWS, chunks, SEED_ROWS), start=1):
            with connection.transaction():
                connection.execute(MULTIPLY_SOURCES, {"round": str(number)})
                connection.execute(MULTIPLY_CHUNKS, {"round": str(number), "rows": min(SEED_ROWS, chunks - made)})
            if number % 20 == 0:
                say(f"{made + SEED_ROWS:,} chunks")
        connection.execute("SET maintenance_work_mem = '512MB'")
        for name, definition in constraints:
            say(f"key {name}")
            connection.execute(f"ALTER TABLE {TABLE} ADD CONSTRAINT {name} {definition}")
        for name, definition in indexes:
            say(f"index {name}")
            connection.execute(definition)


@contextmanager
def plan_file() -> Iterator[Path]:
    """VITAL's own plan with the one table whose backfill is compared."""
    head, *tables = re.split(r"(?m)^(?=\[\[table\]\])", PLAN.read_text(encoding="utf-8").split("[[common]]")[0])
    ours = [table for table in tables if f'name = "{TABLE}"' in table.split("[[table.rule]]")[0]]
    with tempfile.TemporaryDirectory(prefix="vital-bench-") as folder:
        file = Path(folder) / "knowledge_base.toml"
        file.write_text(re.sub(r"(?m)^product = .*\n", "", head) + "".join(ours).rstrip().rstrip("#") + "\n")
        yield file


def manage(url: str, *arguments: str) -> str:
    """What ./manage.py prints; it leaves no logs behind."""
    with tempfile.TemporaryDirectory(prefix="vital-bench-") as folder:
        done = subprocess.run(
            [sys.executable, ROOT / "manage.py", *arguments],
            env=environment(url, folder), cwd=folder, capture_output=True, text=True, check=False,
        )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments)} ended with {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


def environment(url: str, folder: str) -> dict[str, str]:
    """What ./manage.py finds: this database and no settings of ours."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("VITAL_")}
    return ours | {"DATABASE_URL": url, "VITAL_LOG_DIR": folder}
