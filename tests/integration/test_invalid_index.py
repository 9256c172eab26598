"""CREATE INDEX CONCURRENTLY that fails leaves an invalid index behind under the very name; the next run repairs it."""

import subprocess
from collections.abc import Callable

import psycopg
import pytest

from tests.support.command_results import said
from tests.support.databases import Scratch, rows
from tests.support.queries import scalar

Manage = Callable[..., "subprocess.CompletedProcess[str]"]

VALID = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)"
DEFINITION = "SELECT pg_get_indexdef(to_regclass(%s))"


def fails_while_somebody_writes(database: Scratch, statement: str, table: str) -> None:
    """The statement, as a run would issue it that then loses its patience: a writer's transaction stays open."""
    with psycopg.connect(database.owner_url) as writer, psycopg.connect(database.owner_url, autocommit=True) as builder:
        writer.execute(f"LOCK TABLE {table} IN ROW EXCLUSIVE MODE".encode())
        builder.execute("SET lock_timeout = '200ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            builder.execute(statement.encode())
        writer.rollback()


def carry_out(manage: Manage, database: Scratch, *arguments: str) -> str:
    done = manage(database, "migrate_tenants", "--yes", *arguments)
    assert done.returncode == 0, said(done)
    return done.stdout


@pytest.mark.slow
def test_an_invalid_index_is_repaired(prepared: Scratch, manage: Manage) -> None:
    """The index by tenant in 004, and the unique one of a key that becomes unique per tenant in 006."""
    left = "CREATE INDEX CONCURRENTLY tools_tenant_id_idx ON public.tools (tenant_id)"
    fails_while_somebody_writes(prepared, left, "tools")
    assert rows(prepared.admin_url, VALID, ["tools_tenant_id_idx"]) == [(False,)]

    carry_out(manage, prepared, "--to", "005")

    assert rows(prepared.admin_url, VALID, ["tools_tenant_id_idx"]) == [(True,)]

    # Not the same columns: a valid index of this name would not do either.
    left = "CREATE UNIQUE INDEX CONCURRENTLY tools_tenant_id_tool_key_key ON public.tools (tool_key)"
    fails_while_somebody_writes(prepared, left, "tools")
    assert rows(prepared.admin_url, VALID, ["tools_tenant_id_tool_key_key"]) == [(False,)]

    carry_out(manage, prepared)

    assert rows(prepared.admin_url, VALID, ["tools_tenant_id_tool_key_key"]) == [(True,)]
    assert "(tenant_id, tool_key)" in scalar(prepared, DEFINITION, "tools_tenant_id_tool_key_key")
    assert scalar(prepared, "SELECT count(*) FROM pg_index WHERE NOT indisvalid") == 0
    assert "Nothing to do" in carry_out(manage, prepared)


@pytest.mark.slow
def test_one_that_nobody_needs_is_repaired_as_well(migrated: Scratch, manage: Manage) -> None:
    """The key by tenant and name leads with the tenant, too; an invalid index costs every writer all the same."""
    rows(migrated.owner_url, "DROP INDEX prompts_tenant_id_idx")
    left = "CREATE INDEX CONCURRENTLY prompts_tenant_id_idx ON public.prompts (tenant_id)"
    fails_while_somebody_writes(migrated, left, "prompts")

    carry_out(manage, migrated)

    assert rows(migrated.admin_url, VALID, ["prompts_tenant_id_idx"]) == [(True,)]
    assert manage(migrated, "migrate_tenants", "validate").returncode == 0
