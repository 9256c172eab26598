"""People decide the rows that no rule matches: from findings over a file to a platform without open rows, and back."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.support import database_state, databases, queries
from tests.support.cast import DIGITAL_HEALTH, PHARMA
from tests.support.command_results import Done, Manage, document, said
from tests.support.databases import Scratch, clone_with_grants
from tests.support.plans import changed_plan
from tests.support.queries import PHASES

FOLLOWERS = ("conversations", "messages")
NULLABLE = """
    SELECT count(*) FROM information_schema.columns WHERE table_schema = 'public' AND column_name = 'tenant_id'
       AND is_nullable = 'YES' AND table_name IN ('users', 'conversations', 'messages')
"""
STRAYS = """
    SELECT (SELECT count(*) FROM conversations AS c JOIN users AS u ON u.id = c.user_id WHERE c.tenant_id <> u.tenant_id
               AND c.id::text NOT IN (SELECT key FROM vital.baseline_row WHERE relation = 'public.conversations'))
         + (SELECT count(*) FROM messages AS m JOIN conversations AS c ON c.id = m.conversation_id
             WHERE m.tenant_id <> c.tenant_id)
"""


@dataclass
class Story:
    """What was done one after the other with one database, and how the users stood after each."""

    scratch: Scratch
    manage: Manage
    folder: Path
    users: dict[str, dict[str, str | None]] = field(default_factory=dict)
    told: dict[str, Any] = field(default_factory=dict)

    def do(self, name: str, *words: str) -> Done:
        done = self.manage(self.scratch, "migrate_tenants", *words, cwd=self.folder)
        assert done.returncode == 0, said(done)
        self.told[name] = document(done) if "--json" in words else done.stdout
        return done

    def look(self, name: str) -> None:
        self.users[name] = queries.tenants_of(self.scratch, "users")


def fill_in(file: Path) -> dict[str, str]:
    """Every other one is Pharma's, by slug, the others Digital Health's, by id; returns who is whose."""
    with file.open(encoding="utf-8-sig", newline="") as lines:
        rows = list(csv.DictReader(lines))
    tenants = (("pharma", PHARMA), (DIGITAL_HEALTH, DIGITAL_HEALTH))
    wanted = {}
    for number, row in enumerate(rows):
        row["tenant"], wanted[row["key"]] = tenants[number % 2]
        row["reason"] = f"contract {number}"
    with file.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.DictWriter(lines, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return wanted


@pytest.fixture(scope="module")
def story(migrated_template: Scratch, manage: Manage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """The whole way; the tests look at its stations."""
    folder = tmp_path_factory.mktemp("deciding")
    story = Story(clone_with_grants(migrated_template), manage, folder)
    story.look("migrated")
    story.do("findings", "findings", "--json")
    story.do("exported", "findings", "--check", "person", "--csv", "users.csv")
    story.told["wanted"] = fill_in(folder / "users.csv")
    story.do("shown", "decide", "--csv", "users.csv", "--dry-run", "--json")
    story.look("shown")
    story.told["unasked"] = manage(story.scratch, "migrate_tenants", "decide", "--csv", "users.csv", cwd=folder)
    story.do("decided", "decide", "--csv", "users.csv", "--yes", "--json")
    story.look("decided")
    story.do("status", "status", "--json")
    other = changed_plan(folder, ('name = "other knowledge"', 'name = "whatever else is known"'))
    story.do("run", "--plan", str(other), "--yes")
    story.look("run")
    story.told["strays"] = queries.scalar(story.scratch, STRAYS)
    story.told["followers"] = {table: queries.tenants_of(story.scratch, table) for table in FOLLOWERS}
    story.told["nullable"] = queries.scalar(story.scratch, NULLABLE)
    story.do("explained", "explain", "users", next(iter(story.told["wanted"])), "--json")
    story.do("undo", "undo", "--yes")
    story.told["dump"] = database_state.dump_platform(story.scratch)
    story.do("again", "--yes")
    story.look("again")
    yield story
    databases.drop(story.scratch)


@pytest.mark.slow
def test_users_are_findings_for_people(story: Story) -> None:
    undecided = {key for key, tenant in story.users["migrated"].items() if tenant is None}
    [users] = [found for found in story.told["findings"]["findings"] if found["table"] == "users"]
    assert (users["kind"], users["open"], users["blocking"]) == ("person", len(undecided), False)
    assert set(story.told["wanted"]) == undecided
    assert f"{len(undecided)} open findings are in users.csv" in story.told["exported"]


def test_a_dry_run_changes_nothing(story: Story) -> None:
    assert story.told["shown"]["decisions"]["new"] == len(story.told["wanted"])
    assert story.users["shown"] == story.users["migrated"]


def test_nothing_is_decided_unasked(story: Story) -> None:
    assert story.told["unasked"].returncode == 2, said(story.told["unasked"])
    assert "--yes" in story.told["unasked"].stderr
    assert story.told["decided"]["decisions"]["unchanged"] == 0


def test_what_is_decided_is_so_at_once_and_status_says_what_is_next(story: Story) -> None:
    assert story.told["decided"]["carried_out"] == len(story.told["wanted"])
    assert story.users["decided"] == story.users["migrated"] | story.told["wanted"]
    assert story.told["decided"]["next"] == story.told["status"]["next"] == "004_tenant_data"
    assert "rows of users that match no rule" not in {found["check"] for found in story.told["status"]["findings"]}


def test_conversations_and_messages_follow_with_the_next_run(story: Story) -> None:
    assert story.told["strays"] == 0
    for table, tenants in story.told["followers"].items():
        assert None not in tenants.values(), table
        assert {PHARMA, DIGITAL_HEALTH} <= set(tenants.values()), table


def test_then_somebody_new_may_still_register(story: Story) -> None:
    """No rule gives new users a tenant, and what follows them has none before they do."""
    assert story.told["nullable"] == 3


def test_no_run_with_other_rules_takes_a_decision_back(story: Story) -> None:
    assert story.users["run"] == story.users["decided"]


def test_explain_shows_who_decided_and_why(story: Story) -> None:
    told = story.told["explained"]
    assert told["tenant"]["id"] == PHARMA
    assert told["rule"] == "decided by a person"
    assert told["decided_by_person"]["reason"] == "contract 0"
    assert told["by"] == told["decided_by_person"]["by"] != ""


def test_undo_restores_all_and_the_next_run_brings_the_decisions_back(story: Story, legacy_template: Scratch) -> None:
    assert story.told["dump"] == database_state.dump_platform(legacy_template)
    assert story.users["again"] == story.users["decided"]


PROMPTS = """
[[table.rule]]
name = "other prompts that somebody wrote"
phase = "004_tenant_data"
when = { column = "created_by", is_null = false }
tenant = "digital-health"
"""


@pytest.mark.slow
def test_a_row_of_a_critical_table_stops_006_until_it_is_decided(
    prepared: Scratch, manage: Manage, tmp_path: Path
) -> None:
    plan = ("--plan", str(changed_plan(tmp_path, (PROMPTS, ""))))
    stopped = manage(prepared, "migrate_tenants", *plan, "--yes", cwd=tmp_path)
    assert stopped.returncode == 1, said(stopped)
    reached = "SELECT phase, status FROM migration_tracking ORDER BY id DESC LIMIT 2"
    assert databases.rows(prepared.admin_url, reached) == [(PHASES[5], "failed"), (PHASES[4], "completed")]
    found = document(manage(prepared, "migrate_tenants", "findings", *plan, "--json"))["findings"]
    assert [group["table"] for group in found if group["blocking"] and group["open"]] == ["prompts"]

    exported = manage(prepared, "migrate_tenants", "findings", "--table", "prompts", "--csv", "p.csv", cwd=tmp_path)
    assert exported.returncode == 0, said(exported)
    wanted = fill_in(tmp_path / "p.csv")
    decided = manage(prepared, "migrate_tenants", "decide", "--csv", "p.csv", *plan, "--yes", cwd=tmp_path)
    assert decided.returncode == 0, said(decided)
    done = manage(prepared, "migrate_tenants", *plan, "--yes", cwd=tmp_path)

    assert done.returncode == 0, said(done)
    assert wanted.items() <= queries.tenants_of(prepared, "prompts").items()
    assert databases.rows(prepared.admin_url, reached) == [(PHASES[6], "completed"), (PHASES[5], "completed")]
