"""Browsers are bound for one table first, later, or no more; an undo gives everything back, grants included; and what
is done to what binds them is noticed and repaired."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest

from migrations_ops.engine.session import Session
from migrations_ops.phases.inventory import inventory_of
from migrations_ops.rules.load import load
from tenants.isolation import comparison
from tenants.isolation.difference import Difference
from tests.support import browsers, databases, supabase
from tests.support.browsers import NORTH, PLATFORM, SOUTH, browser, claims
from tests.support.command_results import Done, Manage, said
from tests.support.databases import Scratch, rows
from vital.db import session_settings

pytestmark = [pytest.mark.server, pytest.mark.slow]

Call = Callable[..., Done]
DONE, FAILED = 0, 1
EVERYONES = {NORTH, SOUTH, PLATFORM}
ON_TOPICS = browsers.BIND.replace('role = "authenticated"', 'role = "authenticated"\ntables = ["public.topics"]')
PASSED_ON = """
    GRANT SELECT, TRUNCATE ON notes TO authenticated WITH GRANT OPTION;
    GRANT REFERENCES (title), SELECT (title) ON notes TO anon;
    SET ROLE authenticated;
    GRANT TRUNCATE ON notes TO dashboard_user;
    RESET ROLE
"""


@pytest.fixture(scope="module", params=["old", "new"])
def project(request: pytest.FixtureRequest, server_url: str) -> Iterator[Scratch]:
    with supabase.project(server_url, old=request.param == "old") as scratch:
        browsers.more_tables(scratch)
        rows(scratch.owner_url, PASSED_ON)
        yield scratch


@pytest.fixture
def call(project: Scratch, manage: Manage, tmp_path: Path) -> Call:
    def call(*arguments: str, bind: str = browsers.BIND) -> Done:
        plan = browsers.plan(tmp_path, bind)
        done = manage(project, *arguments, cwd=tmp_path, env={"VITAL_PLAN": str(plan)})
        assert done.returncode == DONE, said(done)
        return done

    return call


def everything(scratch: Scratch) -> str:
    """All that a superuser sees of the database, with owners, grants, policies and publications."""
    return databases.dump(scratch.admin_url, "--exclude-schema=vital", "--exclude-table=migration_tracking", schema="")


def seen(project: Scratch, table: LiteralString) -> set[str | None]:
    with browser(project, "authenticated", claims(NORTH)) as one:
        return one.tenants(table)


def test_bound_for_one_table_then_for_all_and_no_more(project: Scratch, call: Call) -> None:
    before = everything(project)

    call("migrate_tenants", "--yes", bind=ON_TOPICS)
    assert (seen(project, "topics"), seen(project, "notes")) == ({NORTH, PLATFORM}, {NORTH, SOUTH})
    call("migrate_tenants", "--yes")
    assert (seen(project, "topics"), seen(project, "notes")) == ({NORTH, PLATFORM}, {NORTH})
    call("migrate_tenants", "--yes", bind="")
    assert (seen(project, "topics"), seen(project, "notes")) == (EVERYONES, {NORTH, SOUTH})
    call("migrate_tenants", "undo", "--yes", bind="")

    assert everything(project) == before


def test_bound_at_once_and_undone(project: Scratch, call: Call) -> None:
    before = everything(project)

    call("migrate_tenants", "--yes")
    again = call("migrate_tenants", "--yes")
    assert "Nothing to do" in again.stdout
    call("migrate_tenants", "validate")
    call("migrate_tenants", "undo", "--yes")

    assert everything(project) == before


def test_a_canary_binds_its_table_alone(project: Scratch, call: Call) -> None:
    before = everything(project)

    call("migrate_tenants", "--yes", "--table", "topics")
    assert seen(project, "topics") == {NORTH, PLATFORM}
    with browser(project, "authenticated", claims(NORTH)) as one:
        assert one.does("SELECT count(*) FROM readings") == [(3,)], "the other tables are as they were"
    call("migrate_tenants", "undo", "--yes")

    assert everything(project) == before


def test_while_isolation_is_off_browsers_stay_bound(project: Scratch, call: Call) -> None:
    call("migrate_tenants", "--yes")
    call("migrate_tenants", "disarm", "--yes", "--reason", "a test")

    for table, shown in (("topics", {NORTH, PLATFORM}), ("readings", {NORTH}), ("notes", {NORTH})):
        assert seen(project, table) == shown
    call("migrate_tenants", "rearm", "--yes", "--reason", "a test")
    assert seen(project, "topics") == {NORTH, PLATFORM}
    call("migrate_tenants", "undo", "--yes")


# What is done, and what of it is said: (statement, the thing, whether it is dangerous).
SABOTAGE: dict[str, tuple[str, str, bool]] = {
    "a policy is dropped": (
        "DROP POLICY vital_bound_authenticated_select ON notes",
        "policy vital_bound_authenticated_select of public.notes",
        True,
    ),
    "a policy is for another": (
        "ALTER POLICY vital_bound_anon_select ON topics TO service_role",
        "policy vital_bound_anon_select of public.topics",
        True,
    ),
    "a policy shows more": (
        "ALTER POLICY vital_bound_authenticated_select ON notes USING (true)",
        "policy vital_bound_authenticated_select of public.notes",
        True,
    ),
    "a policy calls a function of the same name": (
        """
        CREATE FUNCTION tenant_of_authenticated() RETURNS uuid LANGUAGE sql STABLE
        AS 'SELECT tenant_id FROM public.topics LIMIT 1';
        DROP POLICY vital_bound_authenticated_delete ON notes;
        CREATE POLICY vital_bound_authenticated_delete ON notes AS RESTRICTIVE FOR DELETE TO authenticated
        USING (tenant_id = (SELECT tenant_of_authenticated() AS tenant_of_authenticated))
        """,
        "policy vital_bound_authenticated_delete of public.notes",
        True,
    ),
    "a policy is permissive": (
        """
        DROP POLICY vital_bound_anon_select ON notes;
        CREATE POLICY vital_bound_anon_select ON notes FOR SELECT TO anon USING (false)
        """,
        "policy vital_bound_anon_select of public.notes",
        True,
    ),
    "one policy too many": (
        "CREATE POLICY vital_bound_more ON notes AS RESTRICTIVE TO authenticated USING (false)",
        "policy vital_bound_more of public.notes",
        False,
    ),
    "the function says another tenant": (
        f"""
        CREATE OR REPLACE FUNCTION vital.tenant_of_authenticated() RETURNS uuid LANGUAGE plpgsql STABLE SECURITY DEFINER
        SET search_path = pg_catalog, pg_temp SET row_security = on AS $$ BEGIN RETURN '{SOUTH}'; END $$
        """,
        "body of function vital.tenant_of_authenticated()",
        True,
    ),
    "the function is called with the rights of its caller": (
        "ALTER FUNCTION vital.tenant_of_authenticated() SECURITY INVOKER",
        "security of function vital.tenant_of_authenticated()",
        True,
    ),
    "the function searches elsewhere": (
        "ALTER FUNCTION vital.tenant_of_authenticated() SET search_path = public",
        "settings of function vital.tenant_of_authenticated()",
        True,
    ),
    "the function is everybody's": (
        "GRANT EXECUTE ON FUNCTION vital.tenant_of_authenticated() TO PUBLIC",
        "right to call function vital.tenant_of_authenticated()",
        False,
    ),
    "the function is not the role's": (
        "REVOKE EXECUTE ON FUNCTION vital.tenant_of_authenticated() FROM authenticated",
        "right to call function vital.tenant_of_authenticated()",
        False,
    ),
    "the trigger is dropped": (
        "DROP TRIGGER vital_bound_authenticated ON notes",
        "trigger vital_bound_authenticated of public.notes",
        False,
    ),
    "the trigger is switched off": (
        "ALTER TABLE topics DISABLE TRIGGER vital_bound_authenticated",
        "trigger vital_bound_authenticated of public.topics",
        False,
    ),
    "the trigger's function says another tenant": (
        f"""
        CREATE OR REPLACE FUNCTION vital.bound_writer_of_authenticated() RETURNS trigger LANGUAGE plpgsql
        SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = on
        AS $$ BEGIN NEW.tenant_id := '{NORTH}'; RETURN NEW; END $$
        """,
        "body of function vital.bound_writer_of_authenticated()",
        True,
    ),
    "TRUNCATE is granted": (
        "GRANT TRUNCATE ON notes TO anon", "rights of anon on table public.notes", True,
    ),
    "a partition is granted": (
        "GRANT SELECT ON readings_of_2026 TO authenticated",
        "rights of authenticated on table public.readings_of_2026",
        True,
    ),
    "a column of a partition is granted": (
        "GRANT UPDATE (org) ON readings_of_2026 TO authenticated",
        "rights of authenticated on table public.readings_of_2026",
        True,
    ),
    "a table of VITAL's is granted": (
        "GRANT SELECT ON vital.ledger TO authenticated", "rights of authenticated on table vital.ledger", True,
    ),
    "the role passes policies": (
        "ALTER ROLE authenticated BYPASSRLS", "role authenticated, which the plan binds", True,
    ),
    "the owner is bound as well": (
        "ALTER ROLE postgres NOBYPASSRLS", "owner postgres of the tables", True,
    ),
    "a parent that shows its children": (
        """
        CREATE TABLE elders (LIKE replies);
        GRANT SELECT ON elders TO authenticated;
        ALTER TABLE replies INHERIT elders
        """,
        "inheritance of public.replies",
        True,
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", SABOTAGE)
def test_it_is_noticed(bound: tuple[Scratch, Path], what: str) -> None:
    scratch, plan = bound
    statement, thing, dangerous = SABOTAGE[what]
    with psycopg.connect(scratch.admin_url) as connection:
        session = Session(connection, {})
        session.execute(session_settings.for_session("public"))
        assert differences(session, plan) == []

        connection.execute(statement.encode())

        found = [one for one in differences(session, plan) if one.object.startswith(thing)]
        connection.rollback()
    assert found, f"{what}: unnoticed"
    assert any(one.dangerous for one in found) == dangerous


def differences(session: Session, plan: Path) -> list[Difference]:
    return list(comparison.standing(session.execute, inventory_of(load(plan))).differences)


REPAIRED = (
    "a policy is dropped",
    "a policy is for another",
    "one policy too many",
    "the function says another tenant",
    "the function is everybody's",
    "the trigger is dropped",
    "the trigger is switched off",
    "the trigger's function says another tenant",
    "TRUNCATE is granted",
    "a partition is granted",
    "a column of a partition is granted",
)


def test_a_run_repairs_it(bound: tuple[Scratch, Path], manage: Manage) -> None:
    scratch, plan = bound
    with psycopg.connect(scratch.admin_url, autocommit=True) as connection:
        for what in REPAIRED:
            connection.execute(SABOTAGE[what][0].encode())
        environment = {"VITAL_PLAN": str(plan)}
        doctor = manage(scratch, "doctor", cwd=plan.parent, env=environment)
        assert doctor.returncode == FAILED
        assert "vital_bound_authenticated_select" in doctor.stdout

        done = manage(scratch, "migrate_tenants", "--yes", cwd=plan.parent, env=environment)

        assert done.returncode == DONE, said(done)
        session = Session(connection, {})
        session.execute(session_settings.for_session("public"))
        assert [one.seen for one in differences(session, plan)] == []
