"""The databases of a run: one of a plan of its own, copied with its foreign keys alone, before 006, and after it."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.support import databases
from tests.support.databases import Scratch, rows

ROOT = Path(__file__).resolve().parents[2]
NORTH = "0cf4bf3d-a479-5223-bc8f-ec6797deac19"
TABLES = """
    CREATE TABLE accounts (id uuid PRIMARY KEY, org text NOT NULL);
    CREATE TABLE threads (id uuid PRIMARY KEY, account uuid NOT NULL REFERENCES accounts, title text);
    CREATE TABLE messages (
        id uuid PRIMARY KEY, thread uuid NOT NULL REFERENCES threads, author uuid REFERENCES accounts,
        body text NOT NULL, seen integer NOT NULL DEFAULT 0, made timestamptz NOT NULL DEFAULT now()
    );
    CREATE INDEX ON messages (thread);
    CREATE INDEX ON messages (author);
    CREATE INDEX ON messages (made);
    INSERT INTO accounts SELECT md5('account ' || n)::uuid, CASE WHEN n % 2 = 0 THEN 'north' ELSE 'south' END
    FROM generate_series(1, 10000) AS n;
    INSERT INTO threads SELECT md5('thread ' || n)::uuid, md5('account ' || n)::uuid, 'thread ' || n
    FROM generate_series(1, 10000) AS n
"""
TENANT = '[[tenant]]\nid = "{id}"\nslug = "{slug}"\nname = "{slug}"\ndomain = "{slug}.example.com"\n'
OF_ORG = (
    'name = "of {slug}"\nphase = "004_tenant_data"\nwhen = {{ column = "org", equals = "{slug}" }}\ntenant = "{slug}"\n'
)
FOLLOWS = (
    'name = "follows"\nphase = "004_tenant_data"\nparent = {{ column = "{column}", table = "{parent}", key = "id" }}\n'
)
TABLE = '[[table]]\nname = "{name}"\ncritical = true\nvisibility = "private"\n'
TENANTS = {
    "platform": "064d731a-6318-50b5-9ce0-6e05233c2d6a",
    "north": NORTH,
    "south": "ca99c5c4-9607-54e0-98ff-5a111f8a30a0",
}


def plan() -> str:
    """The three tables: accounts by their org, what belongs to them by following the first reference."""
    parts = ['version = 1\nname = "writes"\nplatform = "platform"\nregistry = "vital.registry"\n']
    parts += [TENANT.format(slug=slug, id=key) for slug, key in TENANTS.items()]
    parts += [TABLE.format(name="public.accounts")]
    parts += ["[[table.rule]]\n" + OF_ORG.format(slug=slug) for slug in ("north", "south")]
    for name, column, parent in (("threads", "account", "accounts"), ("messages", "thread", "threads")):
        parts += [TABLE.format(name=f"public.{name}")]
        parts += ["[[table.rule]]\n" + FOLLOWS.format(column=column, parent=f"public.{parent}")]
    return "\n".join(parts)


@contextmanager
def made(server_url: str) -> Iterator[dict[str, Scratch]]:
    """`keys`, `before` 006 with the trigger for rows without a tenant, `after` it, and after it `unguarded`; dropped at
    the end."""
    with ExitStack() as stack, tempfile.TemporaryDirectory() as folder:
        migrated = databases.create_empty(server_url, "vital_bench")
        stack.callback(databases.drop, migrated)
        rows(migrated.owner_url, TABLES)
        file = Path(folder) / "plan.toml"
        file.write_text(plan(), encoding="utf-8")
        migrate(migrated, file, "--to", "005")
        found = {"after": migrated}
        for name in ("keys", "before"):
            found[name] = databases.clone(migrated)
            stack.callback(databases.drop, found[name])
        rows(found["keys"].owner_url, "DROP TRIGGER vital_late_writer ON messages")
        migrate(migrated, file)
        found["unguarded"] = databases.clone(migrated)
        stack.callback(databases.drop, found["unguarded"])
        rows(found["unguarded"].owner_url, "DROP TRIGGER vital_references ON messages")
        for guard in ("vital_ref_messages_thread_fkey", "vital_ref_messages_author_fkey"):
            rows(found["unguarded"].owner_url, f"DROP TRIGGER {guard} ON messages")
        for scratch in found.values():
            rows(scratch.admin_url, "VACUUM ANALYZE")
        yield found


def migrate(scratch: Scratch, plan_file: Path, *arguments: str) -> None:
    environment = os.environ | {"DATABASE_URL": scratch.owner_url, "VITAL_PLAN": str(plan_file), "VITAL_BACKUP": "0"}
    command = [sys.executable, "manage.py", "migrate_tenants", "run", *arguments, "--yes"]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
