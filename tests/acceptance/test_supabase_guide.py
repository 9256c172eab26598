"""The page about Supabase, carried out from top to bottom on a Supabase-like database with the platform in it: backup,
rehearsal, run, proof, service, sign-up, undo, damage and restore."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from tests.support import databases, supabase
from tests.support.cast import PHARMA, PLATFORM
from tests.support.command_results import Manage, said
from tests.support.databases import Scratch, rows
from tests.support.documented_commands import blocks
from tests.support.page_reader import Reader
from tests.support.paths import ROOT
from tests.support.tokens import token

pytestmark = [pytest.mark.server, pytest.mark.slow]

PAGE = ROOT / "docs" / "how-to" / "supabase.md"
PLAN = ROOT / "migrations_ops" / "rules" / "vital.toml"
NEW = "new@example.org"
INVITED = """
    INSERT INTO auth.users (email, raw_app_meta_data) VALUES (%s, jsonb_build_object('tenant_id', %s::text))
    RETURNING id::text
"""
DAMAGE = """
    DROP TABLE prompts CASCADE;
    DELETE FROM tools;
    CREATE TABLE left_behind (id int);
    GRANT ALL ON agents TO dashboard_user;
    REVOKE ALL ON users FROM anon;
    ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON TABLES FROM anon;
    ALTER PUBLICATION supabase_realtime DROP TABLE messages;
    DROP POLICY "Tools are viewable by everyone" ON tools
"""
PROMPT = """
    INSERT INTO prompts (name, display_name, description, system_prompt, category, tenant_id)
    VALUES ('narrative_of_today', 'Narrative', 'Of today', 'You write', 'safety', %s)
    ON CONFLICT ({key}) DO UPDATE SET display_name = excluded.display_name
    RETURNING tenant_id::text
"""

WITHOUT_TENANT = """
    INSERT INTO prompts (name, display_name, description, system_prompt, category)
    VALUES ('of_a_browser', 'Narrative', 'Of a browser', 'You write', 'safety')
    RETURNING tenant_id::text
"""


@pytest.fixture(params=["old", "new"])
def project(request: pytest.FixtureRequest, server_url: str, manage: Manage) -> Iterator[Scratch]:
    """A project with the generated platform in it, whose users have signed up."""
    with supabase.new_project(server_url, old=request.param == "old") as scratch:
        rows(scratch.admin_url, "GRANT INSERT ON auth.users TO postgres")
        for words in (("migrate", "--verbosity", "0"), ("generate_legacy", "--rows", "300")):
            done = manage(scratch, *words)
            assert done.returncode == 0, said(done)
        rows(scratch.admin_url, "REVOKE INSERT ON auth.users FROM postgres")
        supabase.run(scratch.owner_url, "supabase_sign_up.sql")
        yield scratch


class Owner(Reader):
    """The project's owner at work on the page; what a person at a browser, and a mishap, do beside it."""

    def everything(self) -> str:
        """All but VITAL's own, with owners, grants, default privileges and publications, as a superuser sees it."""
        without = ("--exclude-schema=vital", "--exclude-table=migration_tracking")
        return databases.as_restored(databases.dump(self.scratch.admin_url, *without, schema=""))

    def sign_up(self) -> None:
        """Somebody is invited for Pharma, and gets a token."""
        login = supabase.login(self.scratch, "supabase_auth_admin")
        ((person,),) = rows(login, INVITED, [NEW, PHARMA])
        self.claims = {"sub": person, "app_metadata": {"tenant_id": PHARMA}}
        self.environment["TOKEN"] = token(PHARMA, sub=person)

    def editor(self, block: str) -> None:
        """What the SQL editor shows: people who have signed up, or whose rows a browser sees."""
        shown = []
        with psycopg.connect(self.scratch.owner_url, autocommit=True) as connection:
            answer = connection.execute(block.encode())
            while True:
                shown.append(answer.fetchall() if answer.description else [])
                if not answer.nextset():
                    break
        if "set_config" in block:
            counted = [{str(tenant) for tenant, _ in rows} for rows in shown if rows and len(rows[0]) == 2]
            assert counted == [{PHARMA, PLATFORM}, {PLATFORM}]
        else:
            assert shown in ([[(NEW, UUID(PHARMA))]], [[(NEW,)]]), block

    @contextmanager
    def meanwhile(self, line: str) -> Iterator[None]:
        """A project's services stay connected, whoever restores."""
        with ExitStack() as stack:
            for login in supabase.SERVICES if "restore" in line else ():
                stack.enter_context(psycopg.connect(supabase.login(self.scratch, login), autocommit=True))
            yield

    def leave(self) -> None:
        rows(supabase.login(self.scratch, "supabase_auth_admin"), "DELETE FROM auth.users WHERE email = %s", [NEW])

    def upsert(self) -> None:
        """What PostgREST makes of the page's two lines: by the token's claim, and by the caller's row in users."""
        for claims in (self.claims, {"sub": self.claims["sub"]}):
            with supabase.as_api(self.scratch, "authenticated", claims) as browser:
                with pytest.raises(psycopg.errors.InvalidColumnReference), browser.transaction():
                    browser.execute(PROMPT.format(key="name"), [PHARMA])
                for _ in range(2):
                    kept = browser.execute(PROMPT.format(key="tenant_id, name"), [PHARMA]).fetchall()
                    assert kept == [(PHARMA,)]
                with pytest.raises(psycopg.errors.InsufficientPrivilege), browser.transaction():
                    browser.execute(PROMPT.format(key="tenant_id, name"), [PLATFORM])
                assert browser.execute(WITHOUT_TENANT).fetchall() == [(PHARMA,)]
                browser.rollback()


def test_the_page_is_carried_out_from_a_project_to_serving_and_back(
    project: Scratch, manage: Manage, tmp_path: Path
) -> None:
    plan = tmp_path / "plan.toml"
    plan.write_bytes(PLAN.read_bytes())
    settings = {"VITAL_MIGRATIONS_DATABASE_URL": project.owner_url, "VITAL_PLAN": str(plan)}
    owner = Owner(project, manage, tmp_path, **settings)
    before = owner.everything()
    try:
        for kind, block, place in blocks(PAGE.read_text(encoding="utf-8")):
            if "$TOKEN" in block and "TOKEN" not in owner.environment:
                owner.sign_up()
            if "restore before.dump" in block:
                rows(project.owner_url, DAMAGE)
            if kind == "console":
                owner.console(block, place)
            elif kind == "sh":
                owner.shell(block)
            elif kind == "toml":
                plan.write_text(f"{plan.read_text(encoding='utf-8')}\n{block}", encoding="utf-8")
            elif kind == "sql":
                owner.editor(block)
            elif "onConflict" in block:
                owner.upsert()
            if "undo --yes" in block or "restore before.dump" in block:
                owner.leave()
                assert owner.everything() == before, block
    finally:
        owner.stop_service()
