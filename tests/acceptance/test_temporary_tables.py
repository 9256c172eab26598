"""Temporary tables are left as PUBLIC has them: nothing of VITAL's takes one for a real table. A plan may revoke them,
and grants nobody anything by name; what an earlier VITAL granted to every login of the server is taken back."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from tests.support import databases, plans
from tests.support.cast import PHARMA, PLATFORM
from tests.support.command_results import Manage, said
from tests.support.databases import OWNER, Scratch, clone_with_grants, rows
from tests.support.plans import SHIPPED

pytestmark = pytest.mark.slow

TEMPORARY = """
    SELECT COALESCE(pg_get_userbyid(NULLIF(acl.grantee, 0)), 'PUBLIC')
    FROM pg_database AS d CROSS JOIN LATERAL aclexplode(COALESCE(d.datacl, acldefault('d', d.datdba))) AS acl
    WHERE d.datname = current_database() AND acl.privilege_type = 'TEMPORARY' ORDER BY 1
"""
REVOKED = ('product = "vital"', 'product = "vital"\nrevoke_temp = true')
STATEMENT = "temporary tables are not for everybody"


def temporary(scratch: Scratch) -> list[str]:
    """Who may make temporary tables in the database."""
    return sorted(name if name != "unknown (OID=0)" else "PUBLIC" for (name,) in rows(scratch.admin_url, TEMPORARY))


def run(manage: Manage, scratch: Scratch, *words: str) -> None:
    done = manage(scratch, "migrate_tenants", *words)
    assert done.returncode == 0, said(done)


@pytest.fixture
def settled(migrated_template: Scratch) -> Iterator[Scratch]:
    scratch = clone_with_grants(migrated_template)
    yield scratch
    databases.drop(scratch)


@pytest.fixture
def stranger(server_url: str) -> Iterator[str]:
    """A login of the server that has nothing to do with the platform."""
    name = f"stranger_{uuid4().hex[:8]}"
    rows(server_url, f'CREATE ROLE "{name}" LOGIN')
    yield name
    databases.drop_login(server_url, name)


def as_an_earlier_vital_left_it(scratch: Scratch, stranger: str) -> None:
    """TEMPORARY revoked from PUBLIC, granted to each login by name, and both noted."""
    with psycopg.connect(scratch.admin_url, autocommit=True) as connection:
        database = sql.Identifier(scratch.name)
        connection.execute(sql.SQL("REVOKE TEMPORARY ON DATABASE {} FROM PUBLIC").format(database))
        for login in (stranger, OWNER):
            grant = sql.SQL("GRANT TEMPORARY ON DATABASE {} TO {}")
            connection.execute(grant.format(database, sql.Identifier(login)))
        connection.execute(
            "INSERT INTO vital.applied_statement (phase, statement, memo, relation, run_id)"
            " SELECT '006_row_level_security', %s, jsonb_build_array(%s::text, %s::text, 'gone since'), '', max(id)"
            " FROM vital.run",
            [STATEMENT, stranger, OWNER],
        )


def test_a_run_grants_nobody_anything_on_the_database(settled: Scratch, stranger: str, server_url: str) -> None:
    assert temporary(settled) == sorted(["PUBLIC", OWNER])
    rows(server_url, f'DROP ROLE "{stranger}"')
    rows(server_url, f'CREATE ROLE "{stranger}"')


@pytest.mark.parametrize("revoked", [False, True], ids=["as it was", "revoked by the plan"])
def test_the_next_run_takes_back_what_was_granted_by_name(
    settled: Scratch, stranger: str, server_url: str, manage: Manage, tmp_path: Path, revoked: bool
) -> None:
    as_an_earlier_vital_left_it(settled, stranger)
    with pytest.raises(psycopg.errors.DependentObjectsStillExist):
        rows(server_url, f'DROP ROLE "{stranger}"')

    plan = ("--plan", str(plans.changed_plan(tmp_path, REVOKED))) if revoked else ()
    run(manage, settled, "--yes", *plan)

    assert temporary(settled) == [OWNER] if revoked else sorted(["PUBLIC", OWNER])
    rows(server_url, f'DROP ROLE "{stranger}"')
    rows(server_url, f'CREATE ROLE "{stranger}"')
    done = manage(settled, "migrate_tenants", "--yes", *plan)
    assert "nothing was changed" in done.stdout, said(done)
    run(manage, settled, "undo", "--phase", "006", "--yes", *plan)
    assert temporary(settled) == sorted(["PUBLIC", OWNER])


def test_the_undo_takes_it_back_too(settled: Scratch, stranger: str, server_url: str, manage: Manage) -> None:
    as_an_earlier_vital_left_it(settled, stranger)
    run(manage, settled, "undo", "--phase", "006", "--yes")
    assert temporary(settled) == sorted(["PUBLIC", OWNER])
    rows(server_url, f'DROP ROLE "{stranger}"')
    rows(server_url, f'CREATE ROLE "{stranger}"')


def test_a_grant_by_name_of_others_stays_when_the_plan_revokes(
    settled: Scratch, stranger: str, manage: Manage, tmp_path: Path
) -> None:
    rows(settled.admin_url, f'GRANT TEMPORARY ON DATABASE "{settled.name}" TO "{stranger}"')
    plan = str(plans.changed_plan(tmp_path, REVOKED))
    run(manage, settled, "--plan", plan, "--yes")
    assert temporary(settled) == sorted([OWNER, stranger])
    run(manage, settled, "--plan", str(SHIPPED), "--yes")
    assert temporary(settled) == sorted(["PUBLIC", OWNER, stranger]), "the plan no longer asks"


# --- what temporary tables of the real ones' names come to ---

SHADOWED = ("tools", "agents", "prompts", "users", "conversations", "tenants", "knowledge_base", "ledger", "override")


@pytest.fixture(scope="module")
def platform(migrated_template: Scratch) -> Iterator[Scratch]:
    scratch = clone_with_grants(migrated_template)
    yield scratch
    databases.drop(scratch)


def shadow(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """Temporary tables and a function named like real ones, with rows that would open everything."""
    for table in SHADOWED:
        connection.execute(f"CREATE TEMPORARY TABLE {table} (id uuid, tenant_id uuid, name text, key text)".encode())
        connection.execute(f"INSERT INTO pg_temp.{table} SELECT gen_random_uuid(), '{PHARMA}'".encode())
    for function in ("jsonb_build_object(text, uuid)", "current_setting(text, boolean)", "to_jsonb(anyelement)"):
        connection.execute(
            f"CREATE FUNCTION pg_temp.{function} RETURNS text LANGUAGE sql AS $$ SELECT 'hijacked' $$".encode()
        )


def test_the_triggers_of_vital_read_the_real_tables(platform: Scratch) -> None:
    """A tenant who can make temporary tables refers to another's row, and writes a row without a tenant."""
    ((other,),) = rows(
        platform.admin_url, "SELECT id::text FROM knowledge_sources WHERE tenant_id::text NOT IN (%s, %s) LIMIT 1",
        [PHARMA, PLATFORM],
    )  # fmt: skip
    with psycopg.connect(platform.admin_url) as connection:
        be = "SELECT set_config('role', 'vital_tenant', true), set_config('vital.tenant_id', %s, true)"
        connection.execute(be, [PHARMA])
        shadow(connection)
        with pytest.raises(psycopg.errors.ForeignKeyViolation, match="not present"):
            connection.execute("UPDATE public.knowledge_base SET source_id = %s", [other])
        connection.rollback()


def test_a_row_written_without_a_tenant_is_judged_by_the_real_tables(platform: Scratch) -> None:
    with psycopg.connect(platform.owner_url) as connection:
        shadow(connection)
        ((tenant, expected),) = connection.execute(
            """
            INSERT INTO public.conversations
            SELECT (jsonb_populate_record(c, '{"tenant_id": null}'::jsonb
                    || pg_catalog.jsonb_build_object('id', gen_random_uuid()))).*
            FROM public.conversations AS c JOIN public.users AS u ON u.id = c.user_id
            WHERE u.tenant_id IS NOT NULL LIMIT 1
            RETURNING tenant_id, (SELECT u.tenant_id FROM public.users AS u WHERE u.id = user_id)
            """
        ).fetchall()
        assert tenant == expected is not None
        connection.rollback()


def test_every_function_of_vital_that_reads_a_table_has_pg_temp_last(platform: Scratch) -> None:
    """Whoever runs as its owner, or for a row of a table, would else find temporary tables first."""
    loose = rows(
        platform.admin_url,
        """
        SELECT p.oid::regprocedure::text FROM pg_proc AS p
        WHERE p.pronamespace = 'vital'::regnamespace
          AND NOT EXISTS (SELECT FROM unnest(p.proconfig) AS s WHERE s ~ '^search_path=pg_catalog, (public, )?pg_temp$')
        ORDER BY 1
        """,
    )
    # These name no table: one only refuses, the other hashes what it is given.
    assert loose == [("vital.key_hashes(text[])",), ("vital.refuse_change()",)]
