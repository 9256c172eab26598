"""What a run has left in a database, read past row level security: dumps, a phase's last record, rows decided twice."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.support import databases
from tests.support.databases import Scratch, rows

ROLES = "SELECT rolname FROM pg_roles WHERE rolname IN ('vital_tenant', 'vital_operator')"


def dump_platform(scratch: Scratch) -> str:
    """The platform's schema: DDL, rows, owners, privileges. The view that the guide reads is VITAL's own."""
    return databases.dump(scratch.admin_url, "--exclude-table=public.migration_tracking")


def dump_with_vital(scratch: Scratch) -> str:
    """The platform's schema and VITAL's own tables, byte for byte."""
    there = rows(scratch.admin_url, "SELECT nspname FROM pg_namespace WHERE nspname IN ('public', 'vital') ORDER BY 1")
    return "".join(databases.dump(scratch.admin_url, schema=schema) for (schema,) in there)


@contextmanager
def unchanged(scratch: Scratch) -> Iterator[None]:
    """Fails if the block changes the platform's schema or the cluster's roles."""
    before = dump_platform(scratch), rows(scratch.admin_url, ROLES)
    yield
    assert (dump_platform(scratch), rows(scratch.admin_url, ROLES)) == before


def last_record(scratch: Scratch, phase: str) -> dict[str, Any]:
    """The newest row of migration_tracking about a phase."""
    query = "SELECT status, error_message, run_id FROM migration_tracking WHERE phase = %s ORDER BY id DESC LIMIT 1"
    [row] = rows(scratch.owner_url, query, [phase])
    return dict(zip(("status", "error", "run"), row, strict=True))


def decided_twice(scratch: Scratch) -> list[tuple[Any, ...]]:
    """Rows that one step of a phase has decided more than once, by the entries that stand."""
    return rows(scratch.admin_url, DECIDED_TWICE)


DECIDED_TWICE = """
SELECT l.relation, l.phase, l.step, key, count(*)
  FROM vital.ledger AS l CROSS JOIN LATERAL unnest(l.keys) AS key
 WHERE l.kind = 'assign' AND l.undone_at IS NULL
 GROUP BY 1, 2, 3, 4 HAVING count(*) > 1
"""
