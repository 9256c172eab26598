"""A database that the plan does not fit is refused in plain words before anything is changed."""

import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from migrations_ops.phases.queries import QUERIES
from tests.support import clusters, databases, old_version_proxy, pgbouncer
from tests.support.database_state import ROLES, unchanged
from tests.support.databases import OWNER, Scratch, rows

Manage = Callable[..., "subprocess.CompletedProcess[str]"]
Refused = Callable[..., str]


@pytest.fixture
def refused(manage: Manage) -> Refused:
    """What a run says that refuses: words for people, and a database that is as it was."""

    def run(database: Scratch, *arguments: str, url: str = "", code: int = 1) -> str:
        with unchanged(database):
            done = manage(url or database, "migrate_tenants", "--yes", *arguments)
        said = done.stdout + done.stderr
        assert done.returncode == code, said
        assert "Traceback" not in said
        return said

    return run


def change(database: Scratch, *statements: str) -> None:
    for statement in statements:
        rows(database.admin_url, statement)


# --- tables and columns ---


def test_missing_tables_and_what_is_no_table_are_all_named(legacy: Scratch, refused: Refused) -> None:
    change(
        legacy,
        "ALTER TABLE prompts RENAME TO prompts_old",
        "ALTER TABLE messages RENAME TO messages_old",
        "ALTER TABLE tools RENAME TO real_tools",
        "CREATE VIEW tools AS SELECT * FROM real_tools",
    )

    said = refused(legacy)

    assert "prompts: the table is missing" in said
    assert "messages: the table is missing" in said
    assert "tools: is not an ordinary or partitioned table" in said
    assert "001_schema_fixes" not in said


def test_a_database_with_some_of_the_tables_gets_no_other(empty: Scratch, refused: Refused) -> None:
    change(empty, "CREATE TABLE tools (id uuid PRIMARY KEY)", f"ALTER TABLE tools OWNER TO {OWNER}")

    said = refused(empty)

    assert "tenants: the table is missing" in said
    assert "it never fills gaps" in said


def test_a_database_that_is_not_the_plans_is_told_what_to_do(empty: Scratch, refused: Refused, manage: Manage) -> None:
    change(empty, "CREATE TABLE stores (id uuid PRIMARY KEY)", f"ALTER TABLE stores OWNER TO {OWNER}")

    said = refused(empty)
    others = [manage(empty, "migrate_tenants", verb) for verb in ("findings", "preview", "status")]

    assert said.count("none of the plan's") == 1
    assert "init-plan --out" in said
    assert "the table is missing" not in said
    assert [done.returncode for done in others] == [0, 2, 0], [done.stdout + done.stderr for done in others]
    assert "init-plan" in others[1].stdout + others[1].stderr
    assert "syntax error" not in others[0].stdout + others[0].stderr


def test_only_a_name_that_is_like_it_is_asked_for(legacy: Scratch, refused: Refused, manage: Manage) -> None:
    change(legacy, "ALTER TABLE prompts RENAME TO prompt", "ALTER TABLE messages RENAME TO quite_another_thing")

    said = refused(legacy)
    found = manage(legacy, "migrate_tenants", "findings")

    assert "Did you mean public.prompt?" in said
    assert "Did you mean ?" not in said
    assert found.returncode == 0, found.stdout + found.stderr


def test_columns_that_do_not_fit_are_all_named(legacy: Scratch, refused: Refused) -> None:
    change(
        legacy,
        "ALTER TABLE prompts DROP COLUMN domain",
        "ALTER TABLE tenants DROP COLUMN settings",
        "ALTER TABLE agents DROP COLUMN tier",
        "ALTER TABLE agents ADD COLUMN tier integer",
        "ALTER TABLE tools ADD COLUMN tenant_id text",
        "ALTER TABLE tools ADD COLUMN metadata text",
        "ALTER TABLE messages DROP CONSTRAINT messages_pkey",
    )

    said = refused(legacy)

    assert "prompts: the column domain is missing" in said
    assert "tenants: the column settings is missing" in said
    assert "agents: the column tier is integer, but the plan needs text" in said
    assert "tools: the column tenant_id is text, but a tenant's id is a uuid" in said
    assert "tools: the column metadata is text, but the plan needs jsonb" in said
    assert "messages: no primary or unique key on (id)" in said


def test_tables_of_another_origin_are_named(legacy: Scratch, refused: Refused) -> None:
    """One without the columns, one with a column of another type, one that asks for more than VITAL can give."""
    change(
        legacy,
        "CREATE TABLE business_functions (id serial PRIMARY KEY, title text)",
        "CREATE TABLE org_departments (LIKE tool_categories INCLUDING ALL)",
        "ALTER TABLE org_departments ADD tenant_id integer, ADD code text, ADD parent_department_id uuid,"
        " ADD level int, ADD is_active boolean",
        "CREATE TABLE organizational_levels (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), tenant_id uuid, code text,"
        " name text, level_number integer, parent_level_id uuid, role_type text, budget numeric NOT NULL)",
        "CREATE TABLE migration_tracking (phase text, status text)",
    )

    said = refused(legacy)

    assert "business_functions: exists in another shape: the column tenant_id is missing" in said
    assert "org_departments: exists in another shape: the column tenant_id is integer" in said
    assert "organizational_levels: exists in another shape: the column budget must not be empty" in said
    assert "migration_tracking: exists and is not VITAL's" in said


# --- rows ---


@pytest.mark.slow
def test_a_slug_that_is_taken_and_keys_that_are_not_unique(legacy: Scratch, refused: Refused) -> None:
    change(
        legacy,
        "INSERT INTO tenants (name, slug) VALUES ('Somebody', 'pharma')",
        "ALTER TABLE tools DROP CONSTRAINT tools_tool_key_key",
        "UPDATE tools SET tool_key = 'twice' WHERE id IN (SELECT id FROM tools ORDER BY id LIMIT 2)",
    )

    said = refused(legacy)

    assert "the tenant Somebody already has the slug pharma" in said
    assert "2 rows share (tool_key): twice" in said


# --- roles ---


@contextmanager
def login(scratch: Scratch, attributes: str = "") -> Iterator[str]:
    """The URL of a login of the test's own."""
    name = f"somebody_{scratch.name[-12:]}"
    change(scratch, f"CREATE ROLE {name} LOGIN PASSWORD 'x' {attributes}")
    try:
        yield scratch.owner_url.replace(f"{OWNER}:{databases.OWNER_PASSWORD}", f"{name}:x")
    finally:
        change(scratch, f"DROP OWNED BY {name}", f"DROP ROLE {name}")


@pytest.mark.slow
def test_a_role_that_policies_filter(legacy: Scratch, refused: Refused) -> None:
    tables = ("knowledge_base", "tool_categories", "tenants")
    for table in tables:
        change(
            legacy, f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY", f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY"
        )

    said = refused(legacy)

    for table in tables:
        assert f"{table}: row level security filters what {OWNER} sees" in said
        assert f"ALTER TABLE public.{table} NO FORCE ROW LEVEL SECURITY" in said


@pytest.mark.slow
def test_a_role_that_owns_nothing(legacy: Scratch, refused: Refused) -> None:
    with login(legacy, "CREATEROLE") as url:
        name = re.findall(r"//(\w+):", url)[0]
        change(
            legacy,
            f'GRANT CREATE ON DATABASE "{legacy.name}" TO {name}',
            f"GRANT CREATE, USAGE ON SCHEMA public TO {name}",
            f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {name}",
        )

        said = refused(legacy, url=url)

        assert f"tools: is owned by {OWNER}; {name} must be that role or a member of it" in said
        change(legacy, f"DROP OWNED BY {name} CASCADE")


def test_a_role_that_may_not_create_a_schema(legacy: Scratch, refused: Refused) -> None:
    with login(legacy) as url:
        said = refused(legacy, url=url)

    assert "permission denied for database" in said
    assert "GRANT CREATE ON DATABASE" in said


def test_a_role_that_may_not_create_in_public(legacy: Scratch, refused: Refused) -> None:
    """It is a member of the owner of all tables, and may create VITAL's schema."""
    with login(legacy) as url:
        name = re.findall(r"//(\w+):", url)[0]
        change(legacy, "REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        change(legacy, f'GRANT CREATE ON DATABASE "{legacy.name}" TO {name}', f"GRANT USAGE ON SCHEMA public TO {name}")

        said = refused(legacy, url=url)

    assert "permission denied for schema public" in said
    assert "GRANT CREATE ON SCHEMA public" in said


class TestRolesOfTheCluster:
    """The owner may not create roles. Each test has a cluster of its own, in which nobody made them yet."""

    @pytest.fixture
    def plain(self, server_url: str, pack: Path) -> Iterator[Scratch]:
        with clusters.private(server_url) as url:
            scratch = databases.build_legacy(url, pack)
            change(scratch, f"ALTER ROLE {OWNER} NOCREATEROLE")
            yield scratch

    @pytest.mark.slow
    def test_missing_roles_are_refused_with_what_to_ask_for(
        self, plain: Scratch, refused: Refused, manage: Manage
    ) -> None:
        said = refused(plain)

        assert f"{OWNER} cannot become vital_tenant, which does not exist, and may not create roles" in said
        assert f"{OWNER} cannot become vital_operator, which does not exist, and may not create roles" in said
        assert rows(plain.admin_url, ROLES) == []

        self.make_roles(plain)
        said = refused(plain)

        assert f"{OWNER} cannot become vital_tenant. Ask a DBA" in said
        assert f"{OWNER} cannot become vital_operator. Ask a DBA" in said

        self.do_as_told(plain, said)
        done = manage(plain, "migrate_tenants", "--yes")

        assert done.returncode == 0, done.stdout + done.stderr
        self.the_owner_sees_everything(plain)
        self.naive_grants_are_refused(plain, refused)
        self.undo_leaves_the_roles(plain, manage)

    def make_roles(self, plain: Scratch) -> None:
        change(plain, "CREATE ROLE vital_tenant NOLOGIN", "CREATE ROLE vital_operator NOLOGIN")

    def do_as_told(self, plain: Scratch, said: str) -> None:
        """What a DBA does who reads only the message."""
        lines = re.findall(r"Ask a DBA for: (.*);$", said, re.MULTILINE)
        assert lines
        for line in lines:
            change(plain, *line.split(";"))

    def the_owner_sees_everything(self, plain: Scratch) -> None:
        """Being allowed to become a tenant must not make the owner's own login one."""
        mine = rows(plain.owner_url, "SELECT count(*) FROM prompts")
        assert mine == rows(plain.admin_url, "SELECT count(*) FROM prompts")

    def naive_grants_are_refused(self, plain: Scratch, refused: Refused) -> None:
        """Membership as GRANT gives it where nobody thinks of it."""
        version = int(rows(plain.admin_url, "SHOW server_version_num")[0][0])
        change(plain, f"GRANT vital_tenant TO {OWNER}" + (" WITH INHERIT TRUE" if version >= 160000 else ""))

        said = refused(plain)

        assert f"{OWNER} has the rights of vital_tenant" in said
        self.do_as_told(plain, said)
        self.the_owner_sees_everything(plain)

    def undo_leaves_the_roles(self, plain: Scratch, manage: Manage) -> None:
        done = manage(plain, "migrate_tenants", "undo", "--phase", "006", "--yes")
        assert done.returncode == 0, done.stdout + done.stderr
        assert len(rows(plain.admin_url, ROLES)) == 2

    def test_a_wrong_password_is_not_a_failed_migration(self, plain: Scratch, refused: Refused) -> None:
        url = plain.owner_url.replace(databases.OWNER_PASSWORD, "my-secret")

        said = refused(plain, url=url, code=2)

        assert f'password authentication failed for user "{OWNER}"' in said
        assert "DATABASE_URL" in said
        assert "my-secret" not in said


# --- connections ---


def test_an_unreachable_server(manage: Manage) -> None:
    done = manage("postgresql://me:my-secret@127.0.0.1:1/shop", "migrate_tenants", "--yes")

    assert done.returncode == 2
    assert "The database cannot be reached" in done.stderr
    assert "DATABASE_URL" in done.stderr
    assert "Traceback" not in done.stderr
    assert "my-secret" not in done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("round_robin", [False, True], ids=["last used first", "one after the other"])
def test_a_pooler_in_transaction_mode(server_url: str, legacy: Scratch, refused: Refused, round_robin: bool) -> None:
    """Refused before a setting is made, which the pooler would hand on to the applications."""
    with pgbouncer.transaction_mode(server_url, legacy, round_robin=round_robin) as url:
        said = refused(legacy, *(["status"] if round_robin else []), url=url)

        assert "a pooler in transaction mode" in said
        assert "VITAL_MIGRATIONS_DATABASE_URL" in said
        assert rows(url, "SHOW default_transaction_read_only") == [("off",)]
    assert rows(legacy.admin_url, "SELECT to_regnamespace('vital')") == [(None,)]


@pytest.mark.slow
def test_the_direct_connection_beside_a_pooler(server_url: str, legacy: Scratch, manage: Manage) -> None:
    with pgbouncer.transaction_mode(server_url, legacy, round_robin=False) as url:
        direct = {"VITAL_MIGRATIONS_DATABASE_URL": legacy.owner_url}
        done = manage(url, "migrate_tenants", "--to", "000", "--yes", env=direct)
    assert done.returncode == 0, done.stdout + done.stderr


# --- versions ---


@pytest.mark.slow
def test_a_server_that_is_too_old(legacy: Scratch, refused: Refused, manage: Manage) -> None:
    """PostgreSQL 13 cannot be had here, so this one only says in its greeting that it is one."""
    with old_version_proxy.server_of_version("13.22", legacy) as url:
        assert "The server is PostgreSQL 13.22, and VITAL needs 14 to 18" in refused(legacy, url=url)
        done = manage(url, "migrate")

    assert done.returncode == 1
    assert done.stderr == "error: PostgreSQL 14 or later is required (found 13.22).\n"
    assert rows(legacy.admin_url, "SELECT to_regnamespace('vital')") == [(None,)]


@pytest.mark.parametrize(("version", "refused"), [(140000, False), (180004, False), (190000, True)])
def test_a_server_that_is_too_new(server_url: str, version: int, refused: bool) -> None:
    """The question is asked as it is, but of another number than the server's own."""
    question = QUERIES["server_version"].replace("current_setting('server_version_num')", f"'{version}'")
    assert bool(rows(server_url, question)) is refused


# --- what migrate itself refuses ---


def test_a_type_in_the_way_of_the_legacy_tables(empty: Scratch, refused: Refused) -> None:
    change(empty, "CREATE TYPE agent_tier AS ENUM ('one')")

    said = refused(empty)

    assert 'type "agent_tier" already exists' in said
    assert "Drop or rename what is in the way" in said
    assert "mistake of VITAL's" not in said
