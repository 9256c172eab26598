"""On a Supabase-like database, of old and new projects: backup, run, proof, sign-ups, restore and undo are exact."""

import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from tests.support import databases, queries, supabase
from tests.support.command_results import Done, Manage, document, said
from tests.support.databases import Scratch, rows

pytestmark = [pytest.mark.server, pytest.mark.slow]

DONE, FAILED = 0, 1
Call = Callable[..., Done]
DAMAGE = """
    DROP TABLE notes CASCADE;
    ALTER TABLE users DROP COLUMN email;
    DELETE FROM users;
    CREATE TABLE left_behind (id int);
    CREATE SCHEMA more; CREATE TABLE more.things (id int);
    CREATE OR REPLACE FUNCTION handle_new_user() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
    GRANT EXECUTE ON FUNCTION handle_new_user() TO dashboard_user;
    REVOKE ALL ON FUNCTION handle_new_user() FROM PUBLIC, anon;
    GRANT CREATE ON SCHEMA public TO anon;
    GRANT ALL ON users TO dashboard_user;
    DROP POLICY "Users see themselves" ON users;
    ALTER PUBLICATION supabase_realtime ADD TABLE users;
    ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO dashboard_user;
    ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON TABLES FROM anon
"""
PASSED_ON = """
    GRANT SELECT, INSERT ON notes TO authenticated WITH GRANT OPTION;
    SET ROLE authenticated;
    GRANT SELECT ON notes TO dashboard_user;
    RESET ROLE;
    ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO dashboard_user WITH GRANT OPTION
"""


@pytest.fixture(scope="module", params=["old", "new"])
def project(request: pytest.FixtureRequest, server_url: str) -> Iterator[Scratch]:
    with supabase.project(server_url, old=request.param == "old") as scratch:
        yield scratch


@pytest.fixture
def vital(project: Scratch, manage: Manage, tmp_path: Path) -> Call:
    def call(*arguments: str, **env: str) -> Done:
        return manage(project, *arguments, cwd=tmp_path, env={"VITAL_PLAN": str(supabase.PLAN)} | env)

    return call


def everything(scratch: Scratch) -> str:
    """All that a superuser sees of the database, with owners, grants, default privileges and publications."""
    return databases.dump(scratch.admin_url, "--exclude-schema=vital", "--exclude-table=migration_tracking", schema="")


def of_others(scratch: Scratch) -> list[str]:
    return [databases.dump(scratch.admin_url, schema=schema) for schema in supabase.OTHERS]


def ours(scratch: Scratch) -> str:
    """But what is in schemas of others, where people may have signed up since."""
    without = [f"--exclude-schema={schema}" for schema in (*supabase.OTHERS, "vital")]
    return databases.dump(scratch.admin_url, *without, schema="")


def test_a_plan_is_offered_for_the_platform_alone(project: Scratch, vital: Call, tmp_path: Path) -> None:
    drafted = vital("migrate_tenants", "init-plan", "--out", "drafted.toml", VITAL_PLAN="")

    assert drafted.returncode == DONE, said(drafted)
    named = {table["name"] for table in tomllib.loads((tmp_path / "drafted.toml").read_text())["table"]}
    assert named == {"public.orgs", "public.users", "public.notes"}


def test_a_backup_taken_before_the_run_is_put_back_exactly(project: Scratch, vital: Call) -> None:
    before = ours(project)
    taken = vital("backup", "start.dump", "--verify")
    assert taken.returncode == DONE, said(taken)
    assert "it is the same" in taken.stdout
    assert "left to who owns them: the schemas _realtime, auth, extensions, realtime, storage, vault" in taken.stdout

    done = vital("migrate_tenants", "--yes")
    assert done.returncode == DONE, said(done)
    checked = vital("migrate_tenants", "validate")
    assert checked.returncode == DONE, said(checked)
    proof = vital("prove_isolation")
    assert proof.returncode == DONE, said(proof)
    person = supabase.sign_up(project, "late@example.com", "north")
    assert queries.scalar(project, "SELECT tenant_id::text FROM users WHERE id = %s", person) == supabase.NORTH
    rows(project.owner_url, DAMAGE)
    others = of_others(project)

    restored = vital("restore", "start.dump", "--replace", "--yes", "--json")

    assert restored.returncode == DONE, said(restored)
    assert document(restored)["differences"] == []
    assert ours(project) == before
    assert of_others(project) == others
    assert rows(project.owner_url, "SELECT count(*), sum(notes) FROM notes_of_orgs") == [(2, 30)]
    supabase.sign_up(project, "later@example.com", "south")
    assert queries.scalar(project, "SELECT count(*) FROM users") == 7, "signing up fills public.users as before"


def test_an_undo_gives_back_every_grant_and_default(project: Scratch, vital: Call) -> None:
    rows(project.owner_url, PASSED_ON)
    before = everything(project)

    done = vital("migrate_tenants", "--yes")
    undone = vital("migrate_tenants", "undo", "--yes")

    assert done.returncode == DONE, said(done)
    assert undone.returncode == DONE, said(undone)
    assert everything(project) == before


DESK = """
    CREATE SCHEMA desk;
    GRANT USAGE, CREATE ON SCHEMA desk TO postgres;
    CREATE TABLE desk.colours (name text PRIMARY KEY);
    ALTER TABLE desk.colours OWNER TO postgres
"""


def test_a_schema_of_others_is_asked_for_and_given_back(project: Scratch, vital: Call, tmp_path: Path) -> None:
    """Its owner lets postgres pass on what VITAL's roles need; the undo takes it back from them as postgres gave it."""
    rows(project.admin_url, DESK)
    plan = tmp_path / "desk.toml"
    plan.write_text(supabase.PLAN.read_text() + '\n[[common]]\nname = "desk.colours"\n')
    try:
        refused = vital("migrate_tenants", "--yes", VITAL_PLAN=str(plan))
        assert refused.returncode == FAILED, said(refused)
        assert "GRANT USAGE ON SCHEMA desk TO postgres WITH GRANT OPTION" in refused.stdout
        rows(project.admin_url, "GRANT USAGE ON SCHEMA desk TO postgres WITH GRANT OPTION")
        before = everything(project)

        done = vital("migrate_tenants", "--yes", VITAL_PLAN=str(plan))
        undone = vital("migrate_tenants", "undo", "--yes", VITAL_PLAN=str(plan))

        assert done.returncode == DONE, said(done)
        assert undone.returncode == DONE, said(undone)
        assert everything(project) == before
    finally:
        rows(project.admin_url, "DROP SCHEMA desk CASCADE")


def test_a_table_of_the_providers_is_no_list_for_tenants(project: Scratch, vital: Call, tmp_path: Path) -> None:
    plan = tmp_path / "auth.toml"
    plan.write_text(supabase.PLAN.read_text() + '\n[[common]]\nname = "auth.users"\n')

    refused = vital("migrate_tenants", "--yes", VITAL_PLAN=str(plan))

    assert refused.returncode == FAILED, said(refused)
    assert "belongs to supabase_auth_admin, who owns no table of the plan" in " ".join(refused.stdout.split())


def test_an_isolated_database_is_put_back_isolated(project: Scratch, vital: Call) -> None:
    done = vital("migrate_tenants", "--yes", VITAL_BACKUP="1")
    assert done.returncode == DONE, said(done)
    before = ours(project)
    taken = vital("backup", "isolated.dump", "--verify")
    assert taken.returncode == DONE, said(taken)
    rows(project.owner_url, "DROP POLICY vital_tenant_select ON notes; DELETE FROM notes")

    restored = vital("restore", "isolated.dump", "--replace", "--yes")

    assert restored.returncode == DONE, said(restored)
    assert ours(project) == before
    proof = vital("prove_isolation")
    assert proof.returncode == DONE, said(proof)


def test_what_others_hold_on_to_is_said_beforehand_and_refused(project: Scratch, vital: Call) -> None:
    """A publication of the provider's would lose the table, and only the provider could put it in again."""
    rows(project.admin_url, "CREATE PUBLICATION of_the_provider FOR TABLE users")
    try:
        before = everything(project)
        taken, proven = vital("backup", "held.dump"), vital("backup", "proven.dump", "--verify")
        restored = vital("restore", "held.dump", "--replace", "--yes")
        with psycopg.connect(project.owner_url, application_name="a cron job"):
            refused = vital("restore", "held.dump", "--replace", "--yes")
        assert everything(project) == before
    finally:
        rows(project.admin_url, "DROP PUBLICATION of_the_provider")

    assert (taken.returncode, proven.returncode, restored.returncode) == (DONE, FAILED, FAILED)
    assert "It could not be put back here" in taken.stdout
    for told in (taken.stdout, proven.stderr, restored.stderr):
        assert "of_the_provider" in told
    assert "a cron job" in refused.stderr, "what is ours can be stopped"
