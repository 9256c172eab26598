"""Outside demo mode the service does not start with an unsafe database or setting: one sentence, no traceback."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import pytest

from tests.support import citus, databases, service_under_test
from tests.support.databases import OWNER, Scratch
from tests.support.service import PRODUCTION, refused, served
from tests.support.service_under_test import ServiceDatabase

PASSWORD = "only-for-this-test"


@pytest.fixture(scope="module")
def database(migrated_template: Scratch) -> Iterator[Scratch]:
    with service_under_test.database_with_cast(migrated_template) as scratch:
        yield scratch


@contextmanager
def role(scratch: Scratch, attributes: str, *statements: str) -> Iterator[str]:
    """The URL of a login with these attributes, a member of the service's roles; `{}` in a statement is its name."""
    name = f"vital_test_login_{uuid4().hex[:12]}"
    made = (
        f"CREATE ROLE {{}} LOGIN PASSWORD '{PASSWORD}' {attributes}",
        "GRANT vital_tenant, vital_operator TO {}",
    )
    try:
        for statement in (*made, *statements):
            databases.rows(scratch.admin_url, statement.format(name))
        yield databases.login_url(scratch.admin_url, name, PASSWORD)
    finally:
        databases.rows(scratch.admin_url, f"DROP OWNED BY {name}")
        databases.drop_login(scratch.admin_url, name)


def test_it_starts_with_a_login_that_can_do_nothing_by_itself(database: Scratch) -> None:
    """Else the refusals below would prove nothing."""
    with role(database, "NOINHERIT") as url, served(url) as service:
        assert service.get("/health/live").status == 200


@pytest.mark.slow
@pytest.mark.parametrize(
    ("attributes", "statement", "reason"),
    [
        ("NOINHERIT SUPERUSER", "SELECT 1", "superuser"),
        ("NOINHERIT BYPASSRLS", "SELECT 1", "bypass"),
        ("NOINHERIT", "GRANT SELECT ON tools TO {}", "grant"),
        ("NOINHERIT", "GRANT SELECT (name) ON tools TO {}", "grant"),
        ("NOINHERIT", "GRANT INSERT ON messages TO {}", "grant"),
        ("INHERIT", f"GRANT {OWNER} TO {{}}", ""),
        ("NOINHERIT", f"GRANT {OWNER} TO {{}}", ""),
        (
            "NOINHERIT",
            "CREATE TABLE public.owned_by_login AS SELECT 1; ALTER TABLE public.owned_by_login OWNER TO {}",
            "own",
        ),
    ],
)
def test_a_login_that_may_do_more_is_refused(database: Scratch, attributes: str, statement: str, reason: str) -> None:
    with role(database, attributes, statement) as url:
        is_refused(url, reason)


def test_the_tables_owner_is_refused(database: Scratch) -> None:
    is_refused(database.owner_url, "own")


def test_a_table_without_its_fence_is_refused(service_database: ServiceDatabase) -> None:
    with service_under_test.copied_database(service_database) as own:
        databases.rows(
            own.database.owner_url, "CREATE TABLE public.notes (id int PRIMARY KEY, tenant_id uuid, note text)"
        )
        is_refused(own.login, "notes")


@pytest.mark.slow
@pytest.mark.parametrize(
    "statement", ["DROP POLICY vital_tenant_select ON prompts", "ALTER TABLE prompts DISABLE ROW LEVEL SECURITY"]
)
def test_a_table_whose_fence_is_down_is_refused(service_database: ServiceDatabase, statement: str) -> None:
    with service_under_test.copied_database(service_database) as own:
        databases.rows(own.database.owner_url, statement)
        is_refused(own.login, "prompts")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("ALTER POLICY vital_tenant_delete ON tools USING (true)", "policy vital_tenant_delete of public.tools"),
        ("GRANT TRUNCATE ON tools TO vital_tenant", "rights of vital_tenant on table public.tools"),
        ("ALTER FUNCTION vital.guard_referenced() SECURITY INVOKER", "security of function vital.guard_referenced()"),
        pytest.param(
            "ALTER TABLE knowledge_base DISABLE TRIGGER USER",
            "trigger vital_ref_knowledge_base_source_id_fkey",
            marks=citus.one_server("a distributed table has no triggers"),
        ),
    ],
)
def test_what_would_make_rows_leak_is_refused_with_what_to_run(
    service_database: ServiceDatabase, statement: str, told: str
) -> None:
    with service_under_test.copied_database(service_database) as own:
        databases.rows(own.database.owner_url, statement)
        is_refused(own.login, told)
        is_refused(own.login, "Run: ./manage.py migrate_tenants --only 006")


def test_a_role_that_no_policy_binds_is_refused_with_what_to_run(service_database: ServiceDatabase) -> None:
    databases.rows(service_database.database.admin_url, "ALTER ROLE vital_tenant BYPASSRLS")
    try:
        is_refused(service_database.login, "Run: ALTER ROLE vital_tenant NOBYPASSRLS;")
    finally:
        databases.rows(service_database.database.admin_url, "ALTER ROLE vital_tenant NOBYPASSRLS")


@pytest.mark.parametrize("key", [None, "", "change-me", "django-insecure-0123456789-0123456789-0123456789-0123456789"])
def test_a_missing_or_known_secret_key_is_refused(database: Scratch, key: str | None) -> None:
    settings = {name: value for name, value in PRODUCTION.items() if name != "VITAL_SECRET_KEY"}
    if key is not None:
        settings["VITAL_SECRET_KEY"] = key

    with role(database, "NOINHERIT") as url:
        is_refused(url, "VITAL_SECRET_KEY", settings)


def is_refused(url: str, reason: str, settings: dict[str, str] = PRODUCTION) -> None:
    code, said = refused(url, settings)

    assert code != 0, said
    assert "Traceback" not in said
    assert reason.lower() in said.lower(), said
    assert PASSWORD not in said
