"""What tests of `tenants restore` share: backups, a tenant's rows and everybody else's, row by row."""

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support import databases
from tests.support.cast import PHARMA
from tests.support.command_results import Manage, document, said
from tests.support.databases import Scratch, rows

WITH_TENANT = """
    SELECT format('%I.%I', n.nspname, c.relname)
    FROM pg_attribute AS a
    JOIN pg_class AS c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p') AND NOT c.relispartition
    JOIN pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname NOT IN ('vital', 'information_schema')
     AND NOT starts_with(n.nspname::text, 'pg_')
    WHERE a.attname = 'tenant_id' AND NOT a.attisdropped
    ORDER BY 1
"""
WHY = ("--reason", "ticket 7")
Rows = dict[str, list[str]]
MINE = f"tenant_id = '{PHARMA}'"
# What a tenant has beside the rows that the migration gave it: tools that are used, people who talk, a tree.
MORE = (
    f"""UPDATE knowledge_base AS c SET source_id = NULL FROM knowledge_sources AS s
        WHERE s.id = c.source_id AND c.{MINE} AND s.tenant_id <> c.tenant_id""",
    f"""INSERT INTO tools (name, description, tool_key, tool_type, tenant_id)
        SELECT 'tool ' || n, 'd', 'key-' || n, 'api', '{PHARMA}' FROM generate_series(1, 5) AS n""",
    f"""INSERT INTO agent_tool_assignments (agent_id, tool_id, tenant_id)
        SELECT a.id, t.id, '{PHARMA}' FROM agents AS a, tools AS t WHERE a.{MINE} AND t.{MINE}""",
    f"""WITH person AS (INSERT INTO auth.users (id) VALUES (gen_random_uuid()) RETURNING id)
        INSERT INTO users (id, email, tenant_id) SELECT id, 'someone@pharma.example', '{PHARMA}' FROM person""",
    f"""INSERT INTO conversations (user_id, title, mode, tenant_id)
        SELECT u.id, 'talk ' || n, (SELECT mode FROM conversations LIMIT 1), '{PHARMA}'
        FROM users AS u, generate_series(1, 20) AS n WHERE u.{MINE}""",
    f"""INSERT INTO messages (conversation_id, role, content, tenant_id)
        SELECT c.id, 'user', 'line ' || n || E'\\n\\ttab \\\\ "quoted"', '{PHARMA}'
        FROM conversations AS c, generate_series(1, 10) AS n WHERE c.{MINE}""",
    f"""UPDATE org_departments AS d SET parent_department_id = (
            SELECT id FROM org_departments AS o WHERE o.{MINE} AND o.code < d.code ORDER BY o.code DESC LIMIT 1)
        WHERE {MINE}""",
)


@dataclass(frozen=True)
class BackedUp:
    """A platform whose tenant Pharma has rows of every kind, and its backup by VITAL."""

    database: Scratch
    file: Path


def filled(scratch: Scratch) -> None:
    """Pharma gets its rows of every kind."""
    for statement in MORE:
        rows(scratch.admin_url, statement)


def owned(scratch: Scratch, tenant: str = PHARMA) -> Rows:
    """Table → the tenant's rows as texts."""
    return _rows(scratch, f"tenant_id::text = '{tenant}'")


def others(scratch: Scratch, tenant: str = PHARMA) -> Rows:
    """Table → everybody else's rows as texts."""
    return _rows(scratch, f"tenant_id::text IS DISTINCT FROM '{tenant}'")


def _rows(scratch: Scratch, which: str) -> Rows:
    found = {}
    for (table,) in rows(scratch.admin_url, WITH_TENANT):
        every = rows(scratch.admin_url, f"SELECT t::text FROM {table} AS t WHERE {which} ORDER BY 1")
        found[table] = [text for (text,) in every]
    return found


def plain_backup(scratch: Scratch, file: Path, *options: str) -> None:
    """As anybody makes one, without VITAL."""
    command = [databases._pg_dump(scratch.admin_url), "-Fc", f"--file={file}", *options, scratch.admin_url]
    subprocess.run(command, check=True, capture_output=True)


def backup(scratch: Scratch, manage: Manage, file: Path) -> None:
    """VITAL's own."""
    done = manage(scratch, "backup", str(file))
    assert done.returncode == 0, said(done)


def restore(
    scratch: Scratch, manage: Manage, file: Path, *words: str, code: int = 0, tenant: str = "pharma"
) -> dict[str, Any]:
    """What the command answers."""
    done = manage(scratch, "tenants", "restore", tenant, "--from", str(file), *words, "--json", timeout=300)
    assert done.returncode == code, said(done)
    return document(done)


def undo(scratch: Scratch, manage: Manage, run: int) -> dict[str, Any]:
    """What the command answers."""
    done = manage(scratch, "tenants", "undo-restore", str(run), "--yes", "--json", *WHY)
    assert done.returncode == 0, said(done)
    return document(done)


def by_name(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The tables of the answer."""
    return {table["name"]: table for table in document["tables"]}
