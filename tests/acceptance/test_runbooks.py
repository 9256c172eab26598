"""Each runbook is carried out after its trouble was made, and the database is healthy afterwards."""

import os
import re
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support import databases
from tests.support.command_results import Manage, Migrated, said
from tests.support.databases import Scratch, clone_with_grants, rows
from tests.support.documented_commands import blocks, calls, carry_out, commands, of_block, status_of
from tests.support.paths import ROOT
from tests.support.plans import SHIPPED
from tests.support.queries import scalar
from tests.support.service import PRODUCTION, Service, served

pytestmark = pytest.mark.slow

PAGE = (ROOT / "docs" / "how-to" / "runbooks.md").read_text(encoding="utf-8")
ALL_SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
SECTIONS = {heading: text for heading, text in ALL_SECTIONS.items() if "```console" in text}  # the others only explain
RULES = SHIPPED.read_text(encoding="utf-8")
RULE = re.compile(r'(name = "PRISM prompts and prompts of pharma domains".*?tenant = )"pharma"', re.DOTALL)
FREEZE = """
    ALTER TABLE prompts ADD CONSTRAINT prompts_are_frozen CHECK (tenant_id IS NULL OR created_by IS NULL) NOT VALID
"""
EMPTY = """
    ALTER TABLE agents DISABLE TRIGGER USER;
    UPDATE agents SET tenant_id = NULL WHERE id = (SELECT id FROM agents WHERE tier = 'tier_3' ORDER BY id LIMIT 1);
    ALTER TABLE agents ENABLE TRIGGER USER
"""
FORBID = """
    CREATE FUNCTION forbid() RETURNS event_trigger LANGUAGE plpgsql
        AS $$ BEGIN RAISE EXCEPTION 'no changes on Wednesdays'; END $$;
    CREATE EVENT TRIGGER forbid ON ddl_command_end WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION forbid()
"""


ASSIGNED = "SELECT count(*), sum(hashtextextended(t::text, 0)) FROM agent_tool_assignments AS t"
STUCK = """
    CREATE FUNCTION stuck() RETURNS trigger LANGUAGE plpgsql
        AS $$ BEGIN RAISE EXCEPTION 'the stock system is away' USING ERRCODE = 'XX000'; END $$;
    CREATE TRIGGER stuck BEFORE INSERT ON prompts FOR EACH ROW EXECUTE FUNCTION stuck()
"""


@dataclass
class Desk:
    """Where an admin sits: a database, a folder with logs, perhaps a service."""

    scratch: Scratch
    manage: Manage
    folder: Path
    environment: dict[str, str] = field(default_factory=lambda: {"PATH": os.environ["PATH"]})

    def sql(self, statement: str) -> None:
        for one_of in statement.split(";\n"):
            rows(self.scratch.admin_url, one_of)

    def run(self, *words: str) -> None:
        done = self.manage(self.scratch, *words, cwd=self.folder)
        assert done.returncode == 0, said(done)


Trouble = Callable[[Desk], Iterator[None]]  # makes it; mends it once the page says so; looks that all is well
TROUBLES: dict[str, tuple[str, Trouble, bool]] = {}


def trouble(heading: str, mended_after: str, *, migrated: bool = False) -> Callable[[Trouble], Trouble]:
    """The trouble of a section, on a platform as it is found or one that is migrated; it is mended after the command
    that holds these words."""

    def remember(made: Trouble) -> Trouble:
        TROUBLES[heading] = mended_after, made, migrated
        return made

    return remember


@trouble("The database does not fit", "grep metadata")
def a_column_of_another_type(desk: Desk) -> Iterator[None]:
    desk.sql("ALTER TABLE tools ADD COLUMN metadata text")
    yield
    assert scalar(desk.scratch, "SELECT to_regclass('public.org_departments')") is None, "nothing was changed"
    desk.sql("ALTER TABLE tools RENAME COLUMN metadata TO notes")
    yield
    closed(desk)


@trouble("The schema fix fails", "status")
def changes_are_forbidden(desk: Desk) -> Iterator[None]:
    desk.run("migrate_tenants", "--only", "000", "--yes")
    desk.sql(FORBID)
    yield
    desk.sql("DROP EVENT TRIGGER forbid")
    yield
    closed(desk)


@trouble("A phase fails in the middle", "status")
def rows_that_refuse(desk: Desk) -> Iterator[None]:
    desk.run("migrate_tenants", "--to", "003", "--yes")
    desk.sql(FREEZE)
    yield
    left = scalar(desk.scratch, "SELECT count(*) FROM vital.ledger WHERE phase LIKE '004%%' AND undone_at IS NULL")
    assert left == 0, "what 004 did is taken back"
    desk.sql("ALTER TABLE prompts DROP CONSTRAINT prompts_are_frozen")
    yield
    closed(desk)


@trouble("Rows went to the wrong tenant", "tenants suspend")
def a_wrong_rule(desk: Desk) -> Iterator[None]:
    assert len(RULE.findall(RULES)) == 1
    (desk.folder / "wrong.toml").write_text(RULE.sub(r'\1"digital-health"', RULES), encoding="utf-8")
    (desk.folder / "corrected.toml").write_text(RULES, encoding="utf-8")
    desk.environment["VITAL_PLAN"] = str(desk.folder / "wrong.toml")
    desk.run("migrate_tenants", "--yes", "--plan", "wrong.toml")
    yield
    yield
    owners = (
        "SELECT DISTINCT t.slug FROM prompts p JOIN tenants t ON t.id = p.tenant_id WHERE p.domain = 'clinical_trials'"
    )
    assert {owner for (owner,) in rows(desk.scratch.admin_url, owners)} == {"pharma", "vital-platform"}
    closed(desk)


@trouble("The validation fails", "grep FAIL")
def a_tenant_taken_away(desk: Desk) -> Iterator[None]:
    desk.run("migrate_tenants", "--to", "004", "--yes")
    desk.sql(EMPTY)
    yield
    yield
    closed(desk)


@trouble("The API answers 503", "doctor", migrated=True)
def the_fence_is_open(desk: Desk) -> Iterator[None]:
    with a_service(desk):
        desk.run("migrate_tenants", "undo", "--phase", "006", "--yes")
        yield
        yield
        closed(desk)


@trouble("A column that the API reads is gone", "validate", migrated=True)
def a_column_is_gone(desk: Desk) -> Iterator[None]:
    with a_service(desk):
        desk.sql("ALTER TABLE tools RENAME COLUMN category TO kind")
        yield
        desk.sql("ALTER TABLE tools RENAME COLUMN kind TO category")
        yield
        closed(desk)


@trouble("The API answers 500", "doctor", migrated=True)
def a_trigger_that_fails(desk: Desk) -> Iterator[None]:
    with a_service(desk) as service:
        desk.sql(STUCK)
        yield
        assert "the stock system is away" in service.said, "the log has the cause"
        assert service.said.count("00-of-the-runbook-00") >= 1, "under the caller's request id"
        desk.sql("DROP TRIGGER stuck ON prompts")
        yield
        closed(desk)


@trouble("Everything has to go back", "restore")
def rows_are_lost(desk: Desk) -> Iterator[None]:
    before = rows(desk.scratch.admin_url, ASSIGNED)
    desk.run("backup", "before.dump")
    desk.run("migrate_tenants", "--yes", "--no-backup")
    desk.sql("DELETE FROM agent_tool_assignments")
    yield
    assert rows(desk.scratch.admin_url, ASSIGNED) == before
    yield


def closed(desk: Desk) -> None:
    done = desk.manage(desk.scratch, "prove_isolation", cwd=desk.folder)
    assert done.returncode == 0, said(done)


def a_service(desk: Desk) -> "Served":
    return Served(desk)


class Served:
    """A service with a login and a key of its own."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.login = desk, f"vital_test_login_{secrets.token_hex(6)}"

    def __enter__(self) -> Service:
        url = self._printed("create_login", self.login)
        self.desk.environment["KEY"] = self._printed(
            "create_api_key", "--tenant", "pharma", "--scope", "write", "--name", "x"
        )
        self._served = served(url, PRODUCTION)
        service = self._served.__enter__()
        self.desk.environment["URL"] = f"http://127.0.0.1:{service.port}"
        return service

    def __exit__(self, *error: object) -> None:
        self._served.__exit__(None, None, None)
        databases.drop(self.desk.scratch)
        databases.drop_login(self.desk.scratch.admin_url.replace(self.desk.scratch.name, "postgres"), self.login)

    def _printed(self, *words: str) -> str:
        done = self.desk.manage(self.desk.scratch, *words, cwd=self.desk.folder)
        assert done.returncode == 0, said(done)
        return done.stdout.strip()


@pytest.mark.parametrize("heading", SECTIONS)
def test_a_trouble_is_made_and_the_page_mends_it(
    heading: str, platform_template: Scratch, platform_migrated: Migrated, manage: Manage, tmp_path: Path
) -> None:
    mended_after, made, migrated = TROUBLES[heading]
    scratch = clone_with_grants(platform_migrated.database) if migrated else databases.clone(platform_template)
    desk = Desk(scratch, manage, tmp_path)
    try:
        steps = made(desk)
        next(steps)
        for kind, block, place in blocks(SECTIONS[heading]):
            for command in of_block(block, place) if kind == "console" else ():
                carry_out(desk.scratch, manage, tmp_path, command, plan_of(desk))
                if mended_after and mended_after in command.line:
                    next(steps)
                    mended_after = ""
            for call, status in calls(f"```sh\n{block}```") if kind == "sh" else ():
                assert status_of(call, desk.environment) == status, call
        assert not mended_after, "the page never comes to where it is mended"
        assert next(steps, "over") == "over"
    finally:
        databases.drop(desk.scratch)


def plan_of(desk: Desk) -> dict[str, str]:
    return {name: value for name, value in desk.environment.items() if name == "VITAL_PLAN"}


def test_every_section_has_its_trouble() -> None:
    assert SECTIONS.keys() == TROUBLES.keys()
    assert len(commands(PAGE)) > 20
