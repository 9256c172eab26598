"""Where nothing was done to isolation nobody complains: before it, of a canary, while it is off, and after an undo."""

import json
from pathlib import Path

import pytest

from tests.support import databases
from tests.support.command_results import Manage, said
from tests.support.databases import OWNER, Scratch, rows
from tests.support.paths import ROOT

NAME = "isolation"


def complaints(manage: Manage, scratch: Scratch) -> list[str]:
    """What the doctor has to say of isolation; `check --deploy` has no error beside."""
    done = manage(scratch, "doctor", "--json")
    signs = [sign for sign in json.loads(done.stdout)["signs"] if sign["name"] == NAME and sign["state"] != "ok"]
    assert manage(scratch, "check", "--deploy").returncode == 0
    assert "fail" not in {sign["state"] for sign in signs}
    return [sign["seen"] for sign in signs]


OFF = ["it is not on yet: the API answers 503"]


@pytest.mark.slow
@pytest.mark.parametrize("canary", [("--tenant", "pharma"), ("--table", "conversations")])
def test_of_a_canary_what_was_made_is_as_it_should_be(legacy: Scratch, manage: Manage, canary: tuple[str, str]) -> None:
    done = manage(legacy, "migrate_tenants", *canary, "--yes")
    assert done.returncode == 0, said(done)

    assert complaints(manage, legacy) == []

    rows(legacy.owner_url, "ALTER POLICY vital_tenant_select ON conversations USING (true)")
    assert manage(legacy, "check", "--deploy").returncode == 1


@pytest.mark.slow
def test_switched_off_or_undone_it_is_off_and_not_broken(migrated: Scratch, manage: Manage) -> None:
    assert complaints(manage, migrated) == []
    assert manage(migrated, "migrate_tenants", "disarm", "--reason", "a test", "--yes").returncode == 0
    assert complaints(manage, migrated) == OFF
    assert manage(migrated, "migrate_tenants", "rearm", "--reason", "a test", "--yes").returncode == 0
    assert complaints(manage, migrated) == []
    assert manage(migrated, "migrate_tenants", "undo", "--yes").returncode == 0
    assert complaints(manage, migrated) == OFF


@pytest.mark.slow
def test_where_vital_makes_the_registry_itself_its_own_schema_is_no_gap(
    empty: Scratch, manage: Manage, tmp_path: Path
) -> None:
    plan = str(tmp_path / "plan.toml")
    rows(empty.owner_url, (ROOT / "docs" / "tutorial" / "shop.sql").read_text(encoding="utf-8"))
    for words in (("init-plan", "--out", plan), ("run", "--yes", "--plan", plan)):
        done = manage(empty, "migrate_tenants", *words)
        assert done.returncode == 0, said(done)

    done = manage(empty, "doctor", "--json", env={"VITAL_PLAN": plan})

    signs = json.loads(done.stdout)["signs"]
    assert [sign["seen"] for sign in signs if sign["name"] == NAME and sign["state"] != "ok"] == []
    assert [sign["seen"] for sign in signs if sign["state"] == "fail"] == []
    assert manage(empty, "check", "--deploy", env={"VITAL_PLAN": plan}).returncode == 0


def test_policies_of_others_that_open_nothing_are_theirs(migrated: Scratch, manage: Manage) -> None:
    rows(migrated.owner_url, "CREATE POLICY readers ON tools FOR SELECT TO PUBLIC USING (true)")
    rows(migrated.owner_url, f"CREATE POLICY owners ON tools FOR ALL TO {OWNER} USING (name <> '')")

    assert complaints(manage, migrated) == []


def test_a_policy_of_others_that_would_hide_rows_is_named_before_anything_changes(
    legacy: Scratch, manage: Manage
) -> None:
    rows(legacy.owner_url, "CREATE POLICY aal ON tools AS RESTRICTIVE USING (name <> 'x')")

    refused = manage(legacy, "migrate_tenants", "--yes")

    assert refused.returncode == 1, said(refused)
    assert "ALTER POLICY aal ON public.tools TO" in refused.stdout + refused.stderr
    assert databases.rows(legacy.owner_url, "SELECT to_regclass('vital.ledger') IS NOT NULL") == [(True,)]
    columns = "SELECT count(*) FROM pg_attribute WHERE attrelid = 'tools'::regclass AND attname = 'tenant_id'"
    assert databases.rows(legacy.owner_url, columns) == [(0,)]
