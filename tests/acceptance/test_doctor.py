"""The doctor: each trouble is made, found with what to do about it, mended by just that, and gone."""

import json
from typing import Any

import psycopg
import pytest

from tests.support.command_results import Manage, said
from tests.support.databases import Scratch, rows


def signs(manage: Manage, scratch: Scratch | str, code: int = 0, **env: str) -> dict[str, list[dict[str, Any]]]:
    """What the doctor says, by name, as far as it is not well."""
    done = manage(scratch, "doctor", "--json", env=env)
    assert done.returncode == code, said(done)
    found: dict[str, list[dict[str, Any]]] = {}
    for sign in json.loads(done.stdout)["signs"]:
        assert sign["state"] in ("ok", "warn", "fail")
        assert bool(sign["fix"]) == (sign["state"] != "ok"), sign
        if sign["state"] != "ok":
            found.setdefault(sign["name"], []).append(sign)
    return found


def failing(found: dict[str, list[dict[str, Any]]]) -> set[str]:
    return {name for name, signs in found.items() if any(sign["state"] == "fail" for sign in signs)}


def test_a_migrated_database_is_well_and_one_before_is_told_what_is_next(
    migrated_template: Scratch, legacy: Scratch, manage: Manage
) -> None:
    assert failing(signs(manage, migrated_template)) == set()

    found = signs(manage, legacy)

    assert found["isolation"][0]["fix"] == "./manage.py migrate_tenants"
    assert failing(found) == set()
    assert rows(legacy.owner_url, "SELECT to_regnamespace('vital') IS NULL") == [(True,)], "it changed nothing"


@pytest.mark.slow
def test_a_new_table_with_a_tenant_column_stops_a_deployment_until_it_is_fenced_or_rid_of_it(
    migrated: Scratch, manage: Manage
) -> None:
    before = manage(migrated, "check", "--deploy")
    assert before.returncode == 0, said(before)
    rows(migrated.owner_url, "CREATE TABLE invoices (id uuid PRIMARY KEY, tenant_id uuid)")

    stopped = manage(migrated, "check", "--deploy")

    assert stopped.returncode == 1, said(stopped)
    assert "public.invoices has a column tenant_id, but the plan does not name the table" in stopped.stderr
    assert "vital.E001" in stopped.stderr
    assert "take its tenant column away" in signs(manage, migrated, 1)["a table outside isolation"][0]["fix"]
    rows(migrated.owner_url, "ALTER TABLE invoices DROP COLUMN tenant_id")
    assert manage(migrated, "check", "--deploy").returncode == 0
    assert failing(signs(manage, migrated)) == set()


@pytest.mark.slow
@pytest.mark.parametrize(
    "gap",
    [
        "ALTER TABLE tools NO FORCE ROW LEVEL SECURITY",
        "ALTER TABLE agents DISABLE ROW LEVEL SECURITY",
        "DROP POLICY vital_tenant_select ON prompts",
        "ALTER POLICY vital_tenant_select ON knowledge_base USING (true)",
        "ALTER POLICY vital_tenant_delete ON tools TO PUBLIC",
    ],
)
def test_a_gap_in_the_fence_is_found_and_closed_by_the_fix(migrated: Scratch, manage: Manage, gap: str) -> None:
    rows(migrated.owner_url, gap)

    found = signs(manage, migrated, 1)["isolation"][0]

    table = next(word for word in gap.split() if word in ("tools", "agents", "prompts", "knowledge_base"))
    assert f" of public.{table}: " in found["seen"]
    assert "; wanted: " in found["seen"]
    assert manage(migrated, "check", "--deploy").returncode == 1
    assert found["fix"].endswith("./manage.py migrate_tenants --only 006")
    mended = manage(migrated, "migrate_tenants", "--only", "006", "--yes")
    assert mended.returncode == 0, said(mended)
    assert failing(signs(manage, migrated)) == set()
    assert manage(migrated, "check", "--deploy").returncode == 0


WAYS = {
    "a view as its owner": ("CREATE VIEW seen AS TABLE tools", "GRANT SELECT ON seen TO vital_tenant"),
    "a materialized view": ("CREATE MATERIALIZED VIEW kept AS TABLE prompts", "GRANT SELECT ON kept TO vital_tenant"),
    "a function of the owner's": (
        "CREATE FUNCTION how_many() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM tools'",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_what_tenants_reach_past_the_policies_stops_a_deployment(migrated: Scratch, manage: Manage, way: str) -> None:
    for statement in WAYS[way]:
        rows(migrated.owner_url, statement)

    (found,) = signs(manage, migrated, 1)["reached by tenants"]

    assert "the plan does not allow it" in found["seen"]
    assert "[[reachable]]" in found["fix"]
    assert manage(migrated, "check", "--deploy").returncode == 1
    closing, _, _ = found["fix"].partition(" Or allow it")
    rows(migrated.owner_url, closing)
    assert manage(migrated, "check", "--deploy").returncode == 0
    assert failing(signs(manage, migrated)) == set()


@pytest.mark.slow
@pytest.mark.parametrize("whom", ["vital_tenant", "PUBLIC"])
def test_rights_on_tables_made_later_are_told(migrated: Scratch, manage: Manage, whom: str) -> None:
    rows(migrated.owner_url, f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO {whom}")

    (found,) = signs(manage, migrated)["rights on tables made later"]

    assert "SELECT on what vital_test_owner makes in public" in found["seen"]


def test_an_index_that_was_not_finished_is_found_and_dropped_by_the_fix(migrated: Scratch, manage: Manage) -> None:
    with psycopg.connect(migrated.owner_url, autocommit=True) as owner, pytest.raises(psycopg.errors.UniqueViolation):
        owner.execute("CREATE UNIQUE INDEX CONCURRENTLY half_done ON agents (tier)")

    (found,) = signs(manage, migrated, 1)["indexes"]

    assert "half_done is not valid" in found["seen"]
    with psycopg.connect(migrated.owner_url, autocommit=True) as owner:
        owner.execute(found["fix"].split(";")[0].encode())
    assert failing(signs(manage, migrated)) == set()


def test_a_run_that_waits_is_told(migrated: Scratch, manage: Manage) -> None:
    rows(migrated.owner_url, "UPDATE vital.run SET status = 'paused'")

    (found,) = signs(manage, migrated)["runs"]

    assert found["seen"] == "run 1 is paused: it waits"
    assert "resume" in found["fix"]


def test_settings_that_would_not_do_are_told_one_by_one(migrated_template: Scratch, manage: Manage) -> None:
    found = signs(
        manage, migrated_template, 1, VITAL_SECRET_KEY="short", VITAL_DEMO="0", REDIS_URL="redis://127.0.0.1:1/0"
    )

    assert failing(found) == {"secret key", "Redis"}
    assert "token_urlsafe" in found["secret key"][0]["fix"]
    assert "short" not in json.dumps(found["secret key"][0]["seen"])


def test_a_database_that_is_down_is_one_sign_among_the_others(manage: Manage) -> None:
    found = signs(manage, "postgresql://nobody:hidden@127.0.0.1:1/nothing", 1)

    assert failing(found) == {"the database"}
    assert "127.0.0.1" in found["the database"][0]["fix"]
    assert "hidden" not in json.dumps(found)
