"""The proof attacks as bound roles, too: what opens a table for browsers alone is a leak, and tenants are held all the
same."""

from pathlib import Path
from typing import Any

import pytest

from migrations_ops.phases.inventory import inventory_of
from migrations_ops.rules.load import load
from tenants.isolation import database_probe
from tests.support import browsers, isolated
from tests.support.command_results import Manage, document
from tests.support.databases import Scratch, rows

pytestmark = [pytest.mark.server, pytest.mark.slow]

DONE, FAILED = 0, 1


def proof(bound: tuple[Scratch, Path], manage: Manage) -> tuple[int, dict[str, Any]]:
    scratch, plan = bound
    done = manage(scratch, "prove_isolation", "--json", cwd=plan.parent, env={"VITAL_PLAN": str(plan)})
    return done.returncode, document(done)


def test_every_verb_is_tried_as_each_bound_role(bound: tuple[Scratch, Path], manage: Manage) -> None:
    code, found = proof(bound, manage)

    assert code == DONE, found["not_tried"]
    assert (found["holds"], found["leaks"], found["unbound"], found["differences"]) == (True, 0, [], [])
    tried = {
        (attempt["attacker"].rpartition(" as ")[2], attempt["what"], attempt["verb"])
        for attempt in found["matrix"]
        if attempt["outcome"] == "held"
    }
    verbs = {"update by key", "insert in its name", "update of a row unseen", "delete of a row unseen"}
    for role in browsers.ROLES:
        for table in browsers.TABLES:
            may_plant = table not in ("users", "notes")  # a row there needs one of auth.users, which is its service's
            wanted = {"select by key", "TRUNCATE", "copy to"} | (verbs if may_plant else set())
            missing = {verb for verb in wanted if (role, table, verb) not in tried}
            assert not missing, (role, table, found["not_tried"])
    forged = {attempt["attacker"] for attempt in found["matrix"] if attempt["verb"] == "select without filter"}
    assert {"user_metadata as authenticated", "half of the claims as authenticated", "no JSON as anon"} <= forged
    assert any(attempt["verb"].endswith("by the row in users") for attempt in found["matrix"])


# What opens a table for browsers alone, and a verb by which it shows. Policies of others that are permissive do not.
OPENED = {
    "everything is shown": (
        "ALTER POLICY vital_bound_authenticated_select ON notes USING (true)", "authenticated", "select by key",
    ),
    "anon is shown private rows": (
        "DROP POLICY vital_bound_anon_select ON notes", "anon", "select by key",
    ),
    "rows are written in the name of others": (
        "DROP POLICY vital_bound_authenticated_insert ON topics", "authenticated", "insert in its name",
    ),
    "anon writes": (
        "DROP POLICY vital_bound_anon_insert ON notes", "anon", "insert in its name",
    ),
    "rows of others are changed": (
        "DROP POLICY vital_bound_authenticated_update ON readings", "authenticated", "update of a row unseen",
    ),
    "rows of others are deleted": (
        "DROP POLICY vital_bound_authenticated_delete ON replies", "authenticated", "delete of a row unseen",
    ),
    "the table is emptied": (
        "GRANT TRUNCATE ON replies TO anon", "anon", "TRUNCATE",
    ),
    "the tenants are written": (
        "GRANT USAGE ON SCHEMA vital TO anon; GRANT UPDATE ON vital.registry TO anon", "anon", "UPDATE",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", OPENED)
def test_what_is_open_for_browsers_is_a_leak(bound: tuple[Scratch, Path], manage: Manage, what: str) -> None:
    scratch, plan = bound
    statement, role, verb = OPENED[what]
    rows(scratch.admin_url, statement)
    try:
        with isolated.session_of(scratch) as session:
            leaks = database_probe.prove(session, inventory_of(load(plan)), everybody=False).leaks
    finally:
        rows(scratch.admin_url, "REVOKE ALL ON SCHEMA vital FROM anon; REVOKE ALL ON vital.registry FROM anon")
        manage(scratch, "migrate_tenants", "--yes", cwd=plan.parent, env={"VITAL_PLAN": str(plan)})

    assert (role, verb) in {(one.attacker.rpartition(" as ")[2], one.verb) for one in leaks}
    assert not [one for one in leaks if " as " not in one.attacker], "tenants of the service are held all the same"
