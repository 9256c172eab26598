"""A changed plan: after an undo of 004, and without one, only the rows that 004 decides move."""

from pathlib import Path

import pytest

from tests.support import databases, plans, queries
from tests.support.cast import DIGITAL_HEALTH, PHARMA, PLATFORM
from tests.support.command_results import Manage, document, said
from tests.support.databases import Scratch, clone_with_grants
from tests.support.queries import PHASES
from tests.support.undo import ADDED_CHUNK, OPEN, in_order

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
CHUNKS = "SELECT id::text, tenant_id::text FROM knowledge_base WHERE domain = %s"


def chunks(scratch: Scratch, domain: str) -> dict[str, str | None]:
    return dict(databases.rows(scratch.admin_url, CHUNKS, [domain]))


@pytest.mark.slow
def test_undo_of_004_then_other_rules_then_004_alone(
    migrated_template: Scratch, manage: Manage, tmp_path: Path
) -> None:
    migrated = clone_with_grants(migrated_template)
    before = queries.tenants_of_every_table(migrated)
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
    assert queries.made_assignments(migrated) == []
    inherited = {"conversations", "messages", "agent_tool_assignments", "users"}
    for table, rows in queries.tenants_of_every_table(migrated).items():
        assert table in inherited or {k for k, t in rows.items() if t} == platform[table], table

    plan = plans.changed_plan(tmp_path, *TO_DIGITAL)
    again = manage(migrated, "migrate_tenants", "run", "--only", "004", "--plan", str(plan), "--yes")
    assert again.returncode == 0, said(again)
    assert set(chunks(migrated, "market_access").values()) == {DIGITAL_HEALTH}
    assert set(chunks(migrated, "clinical_trials").values()) <= {PHARMA, PLATFORM}
    valid = manage(migrated, "migrate_tenants", "validate", "--plan", str(plan))
    assert valid.returncode == 0, said(valid)
    databases.drop(migrated)


@pytest.mark.slow
def test_other_rules_without_undo_decide_again_only_what_004_decided(
    migrated_template: Scratch, legacy_dump: str, manage: Manage, tmp_path: Path
) -> None:
    migrated, neighbour = clone_with_grants(migrated_template), databases.clone(migrated_template)
    ((later,),) = queries.write_as_owner(migrated, ADDED_CHUNK, PHARMA)
    before = queries.tenants_of_every_table(migrated)
    plan = plans.changed_plan(tmp_path, *TO_DIGITAL, *ANATOMY_TO_PHARMA)
    done = manage(migrated, "migrate_tenants", "run", "--only", "004", "--plan", str(plan), "--yes")
    assert done.returncode == 0, said(done)

    by_rule = {key for key, *_ in queries.ledger_entries(migrated, "knowledge_base")}
    moved = {key for key in chunks(migrated, "market_access") if key in by_rule}
    after = queries.tenants_of_every_table(migrated)
    changed = {key for key, tenant in after["knowledge_base"].items() if tenant != before["knowledge_base"][key]}
    assert changed == moved
    assert len(moved) > 50
    assert {after["knowledge_base"][key] for key in moved} == {DIGITAL_HEALTH}
    assert after["knowledge_base"][later] == PHARMA, "a row written with a tenant was moved"
    assert set(chunks(migrated, "therapeutics").values()) == {PLATFORM}, "a row that 003 decided was moved"

    told = document(manage(migrated, "migrate_tenants", "explain", "knowledge_base", min(moved), "--json"))
    assert [entry["after"]["id"] for entry in told["history"]] == [DIGITAL_HEALTH, PHARMA]
    assert told["rule"] == "digital health knowledge"

    queries.write_as_owner(migrated, "DELETE FROM knowledge_base WHERE id = %s", later)
    undone = manage(migrated, "migrate_tenants", "undo", "--yes")
    assert undone.returncode == 0, said(undone)
    assert databases.dump(migrated.admin_url) == legacy_dump, "a row decided twice goes back step by step"
    status = document(manage(neighbour, "migrate_tenants", "status", "--json"))
    assert status["next"] is None, "the undo has turned off isolation in another database of the server"
    databases.drop(neighbour)
    databases.drop(migrated)
