"""Every step can be undone exactly; what others have done since is never lost with it."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import DIGITAL_HEALTH, PHARMA, PLATFORM, Manage
from tests.support import background, databases, looking
from tests.support.acting import whole_clone
from tests.support.databases import Scratch
from tests.support.looking import PHASES, Done, document, said
from tests.support.standstill import standing_still

pytestmark = pytest.mark.server

OPEN = "Isolation is open"
PROMPT = """
    INSERT INTO prompts (name, display_name, description, category, system_prompt, tenant_id)
    VALUES (%s, 'Written later', 'by an application', 'general', 'You are', %s) RETURNING id::text
"""
TOOL = """
    INSERT INTO tools (name, description, tool_key, tool_type, tenant_id)
    VALUES (%s, 'd', %s, 'api', %s) RETURNING id::text
"""


def tool(scratch: Scratch, key: str, tenant: str) -> str:
    """A tool that an application wrote with a tenant; its id."""
    ((identity,),) = looking.write(scratch, TOOL, f"the tool {key}", key, tenant)
    return str(identity)


def in_order(done: Done, *words: str) -> bool:
    places = [done.stdout.find(word) for word in words]
    return -1 not in places and places == sorted(places)


def remembered(scratch: Scratch) -> str:
    """Everything in the database that an undo which changes nothing must leave alone: the rows and VITAL's memory."""
    return databases.dump(scratch.admin_url) + databases.dump(scratch.admin_url, schema="vital")


# --- do, undo, do again ---


@dataclass
class Journey:
    """One database carried there, back, and there again."""

    scratch: Scratch
    before: str
    undone: Done
    after: str
    states: dict[str, str]
    explained: Done
    assigned: list[tuple[object, object]]


@pytest.fixture(scope="module")
def journey(legacy_template: Scratch, manage: Manage) -> Iterator[Journey]:
    scratch = databases.clone(legacy_template)
    assert manage(scratch, "migrate", "-v0").returncode == 0
    before = databases.dump(scratch.admin_url)
    run = manage(scratch, "migrate_tenants", "--yes")
    assert run.returncode == 0, said(run)
    first = looking.every_tenant(scratch), looking.made_assignments(scratch)
    undone = manage(scratch, "migrate_tenants", "undo", "--yes")
    after = databases.dump(scratch.admin_url)
    status = document(manage(scratch, "migrate_tenants", "status", "--json"))
    explained = manage(scratch, "migrate_tenants", "explain", "tools", next(iter(first[0]["tools"])))
    again = manage(scratch, "migrate_tenants", "--yes")
    assert again.returncode == 0, said(again)
    second = looking.every_tenant(scratch), looking.made_assignments(scratch)
    states = {phase["phase"]: phase["status"] for phase in status["phases"]}
    yield Journey(scratch, before, undone, after, states, explained, [first, second])
    databases.drop(scratch)


def test_undo_leaves_the_database_as_it_was_found(journey: Journey) -> None:
    assert journey.undone.returncode == 0, said(journey.undone)
    assert journey.after == journey.before
    assert journey.states == dict.fromkeys(PHASES, "rolled_back")


def test_undo_names_the_phases_latest_first_and_says_that_isolation_is_open(journey: Journey) -> None:
    assert in_order(journey.undone, *reversed(PHASES), OPEN), said(journey.undone)


def test_what_is_undone_cannot_be_explained(journey: Journey) -> None:
    """The row has no tenant column any more: that is said, and no error of the database shown."""
    assert journey.explained.returncode == 2, said(journey.explained)
    assert PHASES[1] in journey.explained.stderr


def test_doing_it_again_assigns_the_same(journey: Journey) -> None:
    first, second = journey.assigned
    assert first == second
    assert len(looking.made_assignments(journey.scratch)) > 10_000


# --- one phase, and other rules ---

TO_DIGITAL = (
    ('"market_access", "health_economics"]', '"health_economics"]'),
    ('["digital_health", "digital_medicine", "telemedicine", "remote_monitoring", "wearables", "mobile_health"] }\n'
     'tenant = "digital-health"\n\n[[table.rule]]\nname = "other knowledge"',
     '["digital_health", "market_access", "telemedicine", "remote_monitoring", "wearables", "mobile_health"] }\n'
     'tenant = "digital-health"\n\n[[table.rule]]\nname = "other knowledge"'),
)  # fmt: skip
ANATOMY_TO_PHARMA = (
    ('"anatomy", "physiology", "diagnostics", "therapeutics"]', '"anatomy", "physiology", "diagnostics"]'),
    ('in = ["regulatory", "regulatory_affairs",', 'in = ["therapeutics", "regulatory", "regulatory_affairs",'),
)
ADDED_CHUNK = """
    INSERT INTO knowledge_base (source_id, chunk_index, content, content_hash, domain, tenant_id)
    VALUES (NULL, 1, 'written later', 'later', 'market_access', %s) RETURNING id::text
"""
CHUNKS = "SELECT id::text, tenant_id::text FROM knowledge_base WHERE domain = %s"


def chunks(scratch: Scratch, domain: str) -> dict[str, str | None]:
    return dict(databases.rows(scratch.admin_url, CHUNKS, [domain]))


def test_undo_of_004_then_other_rules_then_004_alone(
    migrated_template: Scratch, manage: Manage, tmp_path: Path
) -> None:
    migrated = whole_clone(migrated_template)
    before = looking.every_tenant(migrated)
    platform = {table: {k for k, t in rows.items() if t == PLATFORM} for table, rows in before.items()}
    undone = manage(migrated, "migrate_tenants", "undo", "--phase", "004", "--yes")
    assert undone.returncode == 0, said(undone)
    assert in_order(undone, *reversed(PHASES[4:]), OPEN), said(undone)
    assert not any(key in undone.stdout for key in PHASES[:4]), said(undone)
    status = document(manage(migrated, "migrate_tenants", "status", "--json"))
    states = [phase["status"] for phase in status["phases"]]
    assert (states, status["next"]) == (["completed"] * 4 + ["rolled_back"] * 3, PHASES[4])
    assert [phase.get("error") for phase in status["phases"]] == [None] * 7, "it was undone without any trouble"
    assert set(chunks(migrated, "market_access").values()) == {None}
    assert looking.made_assignments(migrated) == []
    inherited = {"conversations", "messages", "agent_tool_assignments", "users"}
    for table, rows in looking.every_tenant(migrated).items():
        assert table in inherited or {k for k, t in rows.items() if t} == platform[table], table

    plan = looking.changed_plan(tmp_path, *TO_DIGITAL)
    again = manage(migrated, "migrate_tenants", "run", "--only", "004", "--plan", str(plan), "--yes")
    assert again.returncode == 0, said(again)
    assert set(chunks(migrated, "market_access").values()) == {DIGITAL_HEALTH}
    assert set(chunks(migrated, "clinical_trials").values()) <= {PHARMA, PLATFORM}
    valid = manage(migrated, "migrate_tenants", "validate", "--plan", str(plan))
    assert valid.returncode == 0, said(valid)
    databases.drop(migrated)


def test_other_rules_without_undo_decide_again_only_what_004_decided(
    migrated_template: Scratch, journey: Journey, manage: Manage, tmp_path: Path
) -> None:
    migrated = whole_clone(migrated_template)
    ((later,),) = looking.write(migrated, ADDED_CHUNK, PHARMA)
    before = looking.every_tenant(migrated)
    plan = looking.changed_plan(tmp_path, *TO_DIGITAL, *ANATOMY_TO_PHARMA)
    done = manage(migrated, "migrate_tenants", "run", "--only", "004", "--plan", str(plan), "--yes")
    assert done.returncode == 0, said(done)

    by_rule = {key for key, *_ in looking.standing(migrated, "knowledge_base")}
    moved = {key for key in chunks(migrated, "market_access") if key in by_rule}
    after = looking.every_tenant(migrated)
    changed = {key for key, tenant in after["knowledge_base"].items() if tenant != before["knowledge_base"][key]}
    assert changed == moved
    assert len(moved) > 50
    assert {after["knowledge_base"][key] for key in moved} == {DIGITAL_HEALTH}
    assert after["knowledge_base"][later] == PHARMA, "a row written with a tenant was moved"
    assert set(chunks(migrated, "therapeutics").values()) == {PLATFORM}, "a row that 003 decided was moved"

    told = document(manage(migrated, "migrate_tenants", "explain", "knowledge_base", min(moved), "--json"))
    assert [entry["after"]["id"] for entry in told["history"]] == [DIGITAL_HEALTH, PHARMA]
    assert told["rule"] == "digital health knowledge"

    looking.write(migrated, "DELETE FROM knowledge_base WHERE id = %s", later)
    undone = manage(migrated, "migrate_tenants", "undo", "--yes")
    assert undone.returncode == 0, said(undone)
    assert databases.dump(migrated.admin_url) == journey.before, "a row decided twice goes back step by step"
    status = document(manage(journey.scratch, "migrate_tenants", "status", "--json"))
    assert status["next"] is None, "the undo has opened the fence of another database of the server"
    databases.drop(migrated)


# --- what somebody changed since ---


def test_undo_keeps_and_lists_what_somebody_changed_since(
    migrated_template: Scratch, manage: Manage, journey: Journey
) -> None:
    migrated = whole_clone(migrated_template)
    prompt = looking.one(migrated, "SELECT max(id::text) FROM prompts WHERE tenant_id = %s", DIGITAL_HEALTH)
    looking.write(migrated, "UPDATE prompts SET tenant_id = %s WHERE id = %s", PHARMA, prompt)
    assignment = looking.one(migrated, f"SELECT max(key) FROM ({looking.MADE_ASSIGNMENTS}) AS made (key)")
    looking.write(migrated, "UPDATE agent_tool_assignments SET is_enabled = false WHERE id = %s", assignment)

    done = manage(migrated, "migrate_tenants", "undo", "--phase", "004", "--yes", "--json")
    assert done.returncode == 0, said(done)
    kept = [{"table": "agent_tool_assignments", "key": assignment}, {"table": "prompts", "key": prompt}]
    assert sorted(document(done)["conflicts"], key=lambda conflict: conflict["table"]) == kept
    assert looking.tenants_of(migrated, "prompts")[prompt] == PHARMA
    of_customers = "SELECT count(*) FROM prompts WHERE tenant_id IN (%s, %s)"
    assert looking.one(migrated, of_customers, PHARMA, DIGITAL_HEALTH) == 1
    assert looking.one(migrated, "SELECT is_enabled FROM agent_tool_assignments WHERE id = %s", assignment) is False
    assert looking.one(migrated, "SELECT count(*) FROM agent_tool_assignments") == 121
    databases.drop(migrated)


def test_undo_of_everything_keeps_what_people_changed_or_its_last_state(
    migrated_template: Scratch, manage: Manage, tmp_path: Path
) -> None:
    migrated = whole_clone(migrated_template)
    ((chunk,),) = looking.write(
        migrated,
        "UPDATE knowledge_base SET tenant_id = %s, source_id = NULL"
        " WHERE id::text = (SELECT max(id::text) FROM knowledge_base WHERE tenant_id = %s) RETURNING id::text",
        PLATFORM,
        DIGITAL_HEALTH,
    )
    ((department,),) = looking.write(
        migrated, "UPDATE org_departments SET name = 'Renamed' WHERE code = 'REG_AFFAIRS' RETURNING id::text"
    )
    done = manage(migrated, "migrate_tenants", "undo", "--yes")
    assert done.returncode == 1, said(done)
    assert f"org_departments {department}" in done.stderr, "a department with a new name would go with its table"

    archive = tmp_path / "kept.jsonl"
    done = manage(migrated, "migrate_tenants", "undo", "--yes", "--archive", str(archive))
    assert done.returncode == 0, said(done)
    (line,) = map(json.loads, archive.read_text(encoding="utf-8").splitlines())
    assert (line["key"], line["row"]["name"]) == (department, "Renamed")
    listed = f"knowledge_base {chunk}", f"org_departments {department}", f"tenants {PHARMA}"
    assert all(conflict in done.stdout for conflict in listed), said(done)
    assert looking.tenants_of(migrated, "knowledge_base")[chunk] == PLATFORM
    assert looking.one(migrated, "SELECT count(*) FROM knowledge_base WHERE tenant_id IS NOT NULL") == 8 + 1
    databases.drop(migrated)


# --- what it refuses ---

Refused = Callable[..., str]


@pytest.fixture(scope="module")
def occupied(migrated_template: Scratch) -> Iterator[Scratch]:
    """One migrated database for the refusals, which must leave it as it is anyway."""
    scratch = whole_clone(migrated_template)
    yield scratch
    databases.drop(scratch)


@pytest.fixture
def refused(occupied: Scratch, manage: Manage) -> Refused:
    """An undo that is refused and changes nothing; what it says."""

    def undo(*options: str) -> str:
        before = remembered(occupied)
        done = manage(occupied, "migrate_tenants", "undo", "--yes", *options)
        assert done.returncode == 1, said(done)
        assert "Traceback" not in done.stderr
        assert remembered(occupied) == before
        return done.stdout + done.stderr

    return undo


def test_undo_is_refused_while_two_tenants_share_a_key(occupied: Scratch, refused: Refused) -> None:
    twins = [tool(occupied, "twin", tenant) for tenant in (DIGITAL_HEALTH, PHARMA)]
    words = refused("--phase", "006")
    assert f"tools {min(twins)}" in words
    assert "twin" in words
    problems = json.loads(refused("--phase", "006", "--json"))["problems"]
    assert [(problem["table"], problem["key"]) for problem in problems] == [("tools", min(twins))]
    looking.write(occupied, "DELETE FROM tools WHERE tool_key = 'twin'")


NOTES = "CREATE TABLE notes (id uuid PRIMARY KEY, tenant_id uuid REFERENCES tenants ON DELETE CASCADE)"
WRITTEN_FOR_PHARMA = {
    "prompts": (PROMPT, ["a prompt of theirs", PHARMA]),
    "knowledge_base": (ADDED_CHUNK, [PHARMA]),
    "org_departments": (
        "INSERT INTO org_departments (tenant_id, code, name) VALUES (%s, 'NEW', 'New') RETURNING id::text",
        [PHARMA],
    ),
    "notes": ("INSERT INTO notes VALUES (gen_random_uuid(), %s) RETURNING id::text", [PHARMA]),
}


def test_a_tenant_is_never_removed_with_rows_that_vital_did_not_put_there(
    occupied: Scratch, refused: Refused, tmp_path: Path
) -> None:
    looking.write(occupied, NOTES)  # a table that no plan knows
    theirs = {}
    for table, (statement, values) in WRITTEN_FOR_PHARMA.items():
        ((theirs[table],),) = looking.write(occupied, statement, *values)
    words = refused()
    assert [table for table, key in theirs.items() if f"{table} {key}" not in words] == []
    refused("--archive", str(tmp_path / "archive"))
    for table, key in theirs.items():
        assert looking.write(occupied, f"DELETE FROM {table} WHERE id = %s RETURNING id::text", key) == [(key,)]
    looking.write(occupied, "DROP TABLE notes")


def test_values_in_columns_that_would_go_are_kept_by_an_archive_only(
    migrated_template: Scratch, manage: Manage, journey: Journey, tmp_path: Path
) -> None:
    migrated = whole_clone(migrated_template)
    identity = tool(migrated, "written-later", PLATFORM)
    ((department,),) = looking.write(
        migrated,
        "INSERT INTO org_departments (tenant_id, code, name) VALUES (%s, 'OPS', 'Operations') RETURNING id::text",
        PLATFORM,
    )
    before = remembered(migrated)
    done = manage(migrated, "migrate_tenants", "undo", "--yes")
    assert done.returncode == 1, said(done)
    assert all(word in done.stderr for word in (identity, department, "--archive")), said(done)
    assert remembered(migrated) == before

    archive = tmp_path / "kept.jsonl"
    done = manage(migrated, "migrate_tenants", "undo", "--yes", "--archive", str(archive))
    assert done.returncode == 0, said(done)
    lines = {line["key"]: line for line in map(json.loads, archive.read_text(encoding="utf-8").splitlines())}
    assert lines.keys() == {identity, department}
    assert lines[identity]["relation"] == "public.tools"
    assert (lines[identity]["row"]["tool_key"], lines[identity]["row"]["tenant_id"]) == ("written-later", PLATFORM)
    assert (lines[department]["row"]["code"], lines[department]["row"]["tenant_id"]) == ("OPS", PLATFORM)
    looking.write(migrated, "DELETE FROM tools WHERE id = %s", identity)
    assert databases.dump(migrated.admin_url) == journey.before
    databases.drop(migrated)


# --- killed, and nothing to do ---

MOMENTS = {
    "while the fence opens": ("vital.applied_statement", "SELECT count(*) < 60 FROM vital.applied_statement"),
    "while rows go back": ("vital.ledger", "SELECT count(*) FILTER (WHERE undone_at IS NULL) < 40 FROM vital.ledger"),
    "while the schema goes back": ("vital.applied_statement", "SELECT count(*) < 20 FROM vital.applied_statement"),
}


def test_rows_that_are_touched_between_two_undos_go_back_with_their_trigger(
    set_up: Scratch, legacy_template: Scratch, manage: Manage
) -> None:
    """Until 002 is undone its trigger gives a tenant to whatever an application writes, by the rules of 003 and 004,
    although these stand undone, or were never done."""
    tables = ("tools", "agents", "prompts", "knowledge_base", "messages")
    for table in tables:
        looking.write(set_up, f"UPDATE {table} SET id = id")
    assert looking.one(set_up, "SELECT count(*) FROM prompts WHERE tenant_id IS NULL") == 0

    undone = manage(set_up, "migrate_tenants", "undo", "--yes")

    assert undone.returncode == 0, said(undone)
    assert "changed since" not in undone.stdout, said(undone)
    for table in tables:
        columns = [name for name in looking.columns(legacy_template, table) if name != "updated_at"]
        found, now = (looking.content(scratch, table, columns) for scratch in (legacy_template, set_up))
        assert now == found, table
    assert looking.one(set_up, "SELECT count(*) FROM vital.ledger WHERE undone_at IS NULL") == 0


def test_an_undo_that_is_killed_goes_on_exactly(migrated_template: Scratch, manage: Manage, journey: Journey) -> None:
    migrated = whole_clone(migrated_template)
    for name, (table, moment) in MOMENTS.items():
        with (
            standing_still(migrated, table, moment) as stands,
            background.manage(migrated, "migrate_tenants", "undo", "--yes") as running,
        ):
            running.until(stands)
            running.kill()
            wait_for_clients_to_go(migrated)
        status = document(manage(migrated, "migrate_tenants", "status", "--json"))
        assert status["next"] is not None, f"killed {name}, it still passes as done"
    done = manage(migrated, "migrate_tenants", "undo", "--yes", "--json")
    assert done.returncode == 0, said(done)
    assert document(done)["conflicts"] == []
    assert databases.dump(migrated.admin_url) == journey.before
    databases.drop(migrated)


def wait_for_clients_to_go(scratch: Scratch) -> None:
    """The server notices that a killed client is gone within a second or two."""
    others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = %s"
    deadline = time.monotonic() + 10
    while looking.one(scratch, others, databases.OWNER):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_undo_of_what_was_never_done_is_nothing_to_undo(legacy: Scratch, manage: Manage) -> None:
    before = databases.dump(legacy.admin_url)
    done = manage(legacy, "migrate_tenants", "undo", "--phase", "004", "--yes")
    assert (done.returncode, "othing to undo" in done.stdout) == (0, True), said(done)
    assert databases.dump(legacy.admin_url) == before
    assert manage(legacy, "migrate_tenants", "--to", "000", "--yes").returncode == 0
    done = manage(legacy, "migrate_tenants", "undo", "--phase", "002", "--json", "--yes")
    assert (done.returncode, document(done)["status"]) == (0, "nothing_to_do"), said(done)


def test_undo_without_a_terminal_asks_for_yes(occupied: Scratch, manage: Manage) -> None:
    before = remembered(occupied)
    done = manage(occupied, "migrate_tenants", "undo")
    assert done.returncode == 2, said(done)
    assert "--yes" in done.stderr
    assert remembered(occupied) == before
