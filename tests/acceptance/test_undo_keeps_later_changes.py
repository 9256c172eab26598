"""Undo keeps what others changed after the run: it leaves it, lists it, or archives it."""

import json
from pathlib import Path

import pytest

from tests.support import databases, queries
from tests.support.cast import DIGITAL_HEALTH, PHARMA, PLATFORM
from tests.support.command_results import Manage, document, said
from tests.support.databases import Scratch, clone_with_grants
from tests.support.undo import remembered, tool


def test_undo_keeps_and_lists_what_somebody_changed_since(migrated_template: Scratch, manage: Manage) -> None:
    migrated = clone_with_grants(migrated_template)
    prompt = queries.scalar(migrated, "SELECT max(id::text) FROM prompts WHERE tenant_id = %s", DIGITAL_HEALTH)
    queries.write_as_owner(migrated, "UPDATE prompts SET tenant_id = %s WHERE id = %s", PHARMA, prompt)
    assignment = queries.scalar(migrated, f"SELECT max(key) FROM ({queries.MADE_ASSIGNMENTS}) AS made (key)")
    queries.write_as_owner(migrated, "UPDATE agent_tool_assignments SET is_enabled = false WHERE id = %s", assignment)

    done = manage(migrated, "migrate_tenants", "undo", "--phase", "004", "--yes", "--json")
    assert done.returncode == 0, said(done)
    kept = [{"table": "agent_tool_assignments", "key": assignment}, {"table": "prompts", "key": prompt}]
    assert sorted(document(done)["conflicts"], key=lambda conflict: conflict["table"]) == kept
    assert queries.tenants_of(migrated, "prompts")[prompt] == PHARMA
    of_customers = "SELECT count(*) FROM prompts WHERE tenant_id IN (%s, %s)"
    assert queries.scalar(migrated, of_customers, PHARMA, DIGITAL_HEALTH) == 1
    assert queries.scalar(migrated, "SELECT is_enabled FROM agent_tool_assignments WHERE id = %s", assignment) is False
    assert queries.scalar(migrated, "SELECT count(*) FROM agent_tool_assignments") == 121
    databases.drop(migrated)


def test_undo_of_everything_keeps_what_people_changed_or_its_last_state(
    migrated_template: Scratch, manage: Manage, tmp_path: Path
) -> None:
    migrated = clone_with_grants(migrated_template)
    ((chunk,),) = queries.write_as_owner(
        migrated,
        "UPDATE knowledge_base SET tenant_id = %s, source_id = NULL"
        " WHERE id::text = (SELECT max(id::text) FROM knowledge_base WHERE tenant_id = %s) RETURNING id::text",
        PLATFORM,
        DIGITAL_HEALTH,
    )
    ((department,),) = queries.write_as_owner(
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
    assert queries.tenants_of(migrated, "knowledge_base")[chunk] == PLATFORM
    assert queries.scalar(migrated, "SELECT count(*) FROM knowledge_base WHERE tenant_id IS NOT NULL") == 8 + 1
    databases.drop(migrated)


@pytest.mark.slow
def test_values_in_columns_that_would_go_are_kept_by_an_archive_only(
    migrated_template: Scratch, manage: Manage, legacy_dump: str, tmp_path: Path
) -> None:
    migrated = clone_with_grants(migrated_template)
    identity = tool(migrated, "written-later", PLATFORM)
    ((department,),) = queries.write_as_owner(
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
    queries.write_as_owner(migrated, "DELETE FROM tools WHERE id = %s", identity)
    assert databases.dump(migrated.admin_url) == legacy_dump
    databases.drop(migrated)
