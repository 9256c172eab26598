"""After a full undo, what is VITAL's own leaves the database: shown first, and as if it had never been there."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.support import clusters, databases
from tests.support.command_results import Manage, document, said
from tests.support.database_state import ROLES, unchanged
from tests.support.databases import OWNER, Scratch, rows
from tests.support.paths import ROOT
from tests.support.queries import scalar

pytestmark = pytest.mark.server

SHOP = ROOT / "docs" / "tutorial" / "shop.sql"
UNINSTALL = ("migrate_tenants", "uninstall")
SHARED = (
    "SELECT count(*) FROM pg_shdepend WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


@pytest.fixture
def cluster(server_url: str) -> Iterator[str]:
    """A server of the test's own: roles are the whole server's."""
    with clusters.private(server_url) as url:
        yield url


def shop(cluster: str) -> Scratch:
    scratch = databases.create_empty(cluster)
    with psycopg.connect(scratch.owner_url) as connection:
        connection.execute(SHOP.read_bytes())
    return scratch


def whole(scratch: Scratch) -> str:
    """Every schema, its definitions, rows and grants."""
    return databases.dump(scratch.admin_url, schema="")


def migrated(scratch: Scratch, manage: Manage, plan: Path) -> None:
    for words in (["init-plan", "--out", str(plan), "--yes"], ["run", "--yes", "--plan", str(plan)]):
        done = manage(scratch, "migrate_tenants", *words)
        assert done.returncode == 0, said(done)


def undone(scratch: Scratch, manage: Manage) -> None:
    done = manage(scratch, "migrate_tenants", "undo", "--yes")
    assert done.returncode == 0, said(done)


@pytest.mark.slow
def test_nothing_is_left_of_it(cluster: str, manage: Manage, tmp_path: Path) -> None:
    scratch = shop(cluster)
    before = whole(scratch)
    migrated(scratch, manage, tmp_path / "plan.toml")
    assert whole(scratch) != before
    undone(scratch, manage)

    with unchanged(scratch):
        shown = manage(scratch, *UNINSTALL)

    assert shown.returncode == 0, said(shown)
    for word in ("the schema vital", "ledger", "failing_row", "public.migration_tracking", "uninstall --yes"):
        assert word in shown.stdout
    assert scalar(scratch, "SELECT to_regclass('vital.ledger') IS NOT NULL")
    document_of_it = document(manage(scratch, *UNINSTALL, "--json"))
    assert (document_of_it["status"], document_of_it["stays"]) == ("shown", [])

    done = manage(scratch, *UNINSTALL, "--yes")

    assert done.returncode == 0, said(done)
    assert whole(scratch) == before
    assert rows(cluster, ROLES) == []
    assert rows(cluster, "SELECT rolname FROM pg_roles WHERE rolname LIKE 'vital\\_prover'") == []
    assert document(manage(scratch, *UNINSTALL, "--yes", "--json"))["status"] == "nothing_to_do"

    migrated(scratch, manage, tmp_path / "plan.toml")
    undone(scratch, manage)
    assert manage(scratch, *UNINSTALL, "--yes").returncode == 0
    assert whole(scratch) == before


@pytest.mark.slow
def test_while_something_is_not_undone_it_is_refused(cluster: str, manage: Manage, tmp_path: Path) -> None:
    scratch = shop(cluster)
    migrated(scratch, manage, tmp_path / "plan.toml")
    with unchanged(scratch):
        for words in (UNINSTALL, (*UNINSTALL, "--yes")):
            refused = manage(scratch, *words)
            assert refused.returncode == 1, said(refused)
            assert "VITAL cannot be removed" in refused.stderr
            assert "./manage.py migrate_tenants undo" in " ".join(refused.stderr.split())

    done = manage(scratch, "migrate_tenants", "undo", "--phase", "003", "--yes")
    assert done.returncode == 0, said(done)
    refused = manage(scratch, *UNINSTALL, "--yes")
    assert (refused.returncode, "changes are not undone" in " ".join(refused.stderr.split())) == (1, True)
    assert scalar(scratch, "SELECT to_regclass('vital.ledger') IS NOT NULL")


def test_a_look_of_000_alone_can_be_removed(cluster: str, manage: Manage, tmp_path: Path) -> None:
    scratch, plan = shop(cluster), tmp_path / "plan.toml"
    before = whole(scratch)
    assert manage(scratch, "migrate_tenants", "init-plan", "--out", str(plan)).returncode == 0
    assert manage(scratch, "migrate_tenants", "--only", "000", "--plan", str(plan)).returncode == 0

    done = manage(scratch, *UNINSTALL, "--yes")

    assert done.returncode == 0, said(done)
    assert whole(scratch) == before


@pytest.mark.slow
def test_roles_stay_where_another_database_needs_them(cluster: str, manage: Manage, tmp_path: Path) -> None:
    first, second = shop(cluster), shop(cluster)
    before = whole(first)
    for scratch in (first, second):
        migrated(scratch, manage, tmp_path / "plan.toml")
    held = scalar(second, SHARED)
    undone(first, manage)

    done = manage(first, *UNINSTALL, "--yes")

    assert done.returncode == 0, said(done)
    told = " ".join(done.stdout.split())
    assert f"the role vital_tenant stays: other databases of this server need it: {second.name}" in told
    assert whole(first) == before
    assert scalar(second, SHARED) == held
    assert len(rows(cluster, ROLES)) == 2
    assert manage(second, "migrate_tenants", "validate").returncode == 0
    assert manage(second, "prove_isolation").returncode == 0

    undone(second, manage)
    assert manage(second, *UNINSTALL, "--yes").returncode == 0
    assert rows(cluster, ROLES) == []


@pytest.mark.slow
def test_a_login_of_the_service_keeps_the_roles(cluster: str, manage: Manage, tmp_path: Path) -> None:
    scratch = shop(cluster)
    migrated(scratch, manage, tmp_path / "plan.toml")
    assert manage(scratch, "create_login", "the_service").returncode == 0
    undone(scratch, manage)

    done = manage(scratch, *UNINSTALL, "--yes")

    told = " ".join(done.stdout.split())
    assert done.returncode == 0, said(done)
    assert "the role vital_operator stays: it has members, which are yours to drop: the_service" in told
    rows(scratch.owner_url, "DROP ROLE the_service")
    done = manage(scratch, *UNINSTALL, "--yes")
    assert done.returncode == 0, said(done)
    assert rows(cluster, ROLES) == []


@pytest.mark.slow
def test_as_an_owner_who_may_make_neither_roles_nor_schemas(cluster: str, manage: Manage, tmp_path: Path) -> None:
    """A DBA has made both beforehand: both stay, the schema empty."""
    scratch = shop(cluster)
    for statement in (
        f"ALTER ROLE {OWNER} NOCREATEROLE",
        "CREATE ROLE vital_operator NOLOGIN",
        "CREATE ROLE vital_tenant NOLOGIN",
        f"GRANT vital_operator, vital_tenant TO {OWNER} WITH INHERIT FALSE, SET TRUE",
        f"CREATE SCHEMA vital AUTHORIZATION {OWNER}",
        f"ALTER DATABASE {scratch.name} OWNER TO CURRENT_USER",
    ):
        if "INHERIT" in statement and scalar(scratch, "SELECT current_setting('server_version_num')::int") < 160000:
            pytest.skip("before 16 a DBA makes a role in between as well; see docs/how-to/deploy.md")
        rows(scratch.admin_url, statement)
    before, members = whole(scratch), rows(cluster, "SELECT count(*) FROM pg_auth_members")
    migrated(scratch, manage, tmp_path / "plan.toml")
    undone(scratch, manage)

    done = manage(scratch, *UNINSTALL, "--yes")

    told = " ".join(done.stdout.split())
    assert done.returncode == 0, said(done)
    assert "the schema vital, empty stays" in told
    assert "the role vital_tenant stays: this role may not drop it. As a DBA: DROP ROLE vital_tenant" in told
    assert whole(scratch) == before
    assert rows(cluster, "SELECT count(*) FROM pg_auth_members") == members


# --- what others have built on it ---


OTHERS = {
    "a table in the schema": ("CREATE TABLE vital.mine (id int)", "table vital.mine", "DROP TABLE vital.mine"),
    "a function in the schema": (
        "CREATE FUNCTION vital.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'", "function vital.mine()",
        "DROP FUNCTION vital.mine()",
    ),
    "a view of the ledger": (
        "CREATE VIEW public.mine AS SELECT id FROM vital.ledger", "view mine depends on table vital.ledger",
        "DROP VIEW public.mine",
    ),
    "a view of the progress": (
        "CREATE VIEW public.mine AS SELECT id FROM migration_tracking", "view mine depends on view migration_tracking",
        "DROP VIEW public.mine",
    ),
}  # fmt: skip


@pytest.mark.slow
def test_what_others_have_made_of_it_is_named_and_kept(cluster: str, manage: Manage, tmp_path: Path) -> None:
    scratch = shop(cluster)
    before = whole(scratch)
    migrated(scratch, manage, tmp_path / "plan.toml")
    undone(scratch, manage)
    for what, (made, named, gone) in OTHERS.items():
        rows(scratch.owner_url, made)
        with unchanged(scratch):
            refused = manage(scratch, *UNINSTALL, "--yes")
        assert (refused.returncode, named in " ".join(refused.stderr.split())) == (1, True), (what, said(refused))
        rows(scratch.owner_url, gone)

    done = manage(scratch, *UNINSTALL, "--yes")

    assert done.returncode == 0, said(done)
    assert whole(scratch) == before
