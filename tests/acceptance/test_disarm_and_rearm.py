"""One command turns isolation off for all but tenants, one turns it on and tests it; the audit records both."""

from contextlib import ExitStack

import psycopg
import pytest
from psycopg import sql

from tests.support import background, databases, queries
from tests.support.cast import PHARMA
from tests.support.command_results import Manage, document, said
from tests.support.database_state import dump_platform
from tests.support.databases import Scratch
from tests.support.pause_point import paused_at
from tests.support.queries import TABLES

WHY = ("--reason", "the nightly export sees nothing")
SECURITY = "SELECT relname, relrowsecurity, relforcerowsecurity FROM pg_class WHERE relname = ANY(%s) ORDER BY 1"


def as_a_tenant(scratch: Scratch, table: str) -> int | str:
    """How many rows a tenant is shown, or the SQLSTATE with which it is refused."""
    with psycopg.connect(scratch.admin_url) as connection:
        connection.execute("SELECT set_config('role', 'vital_tenant', true)")
        connection.execute("SELECT set_config('vital.tenant_id', %s, true)", [PHARMA])
        try:
            return connection.execute(sql.SQL("SELECT FROM {}").format(sql.Identifier(table))).rowcount
        except psycopg.Error as error:
            return error.sqlstate or "none"


def security(scratch: Scratch) -> list[tuple[object, ...]]:
    return databases.rows(scratch.admin_url, SECURITY, [list(TABLES)])


@pytest.mark.slow
def test_open_it_is_as_before_for_everybody_but_tenants_and_closed_it_is_as_it_was(
    migrated: Scratch, legacy_template: Scratch, manage: Manage
) -> None:
    closed, seen = security(migrated), {table: as_a_tenant(migrated, table) for table in TABLES}

    opened = manage(migrated, "migrate_tenants", "disarm", *WHY, "--yes", "--json")

    assert (opened.returncode, document(opened)["status"]) == (0, "disarmed"), said(opened)
    assert security(migrated) == security(legacy_template), "others see what they saw before"
    assert {as_a_tenant(migrated, table) for table in TABLES} == {"42501"}, "a tenant is shown nothing at all"
    status = document(manage(migrated, "migrate_tenants", "status", "--json"))
    assert status["phases"][-1]["status"] == "failed"
    assert "isolation was turned off by" in status["phases"][-1]["error"]
    assert "migrate_tenants rearm" in status["phases"][-1]["error"]
    assert status["next"] == "006_row_level_security"
    again = manage(migrated, "migrate_tenants", "disarm", *WHY, "--yes")
    assert again.returncode == 0, said(again)

    shut = manage(migrated, "migrate_tenants", "rearm", "--reason", "the export has a role of its own now", "--json")

    assert (shut.returncode, document(shut)["status"]) == (0, "completed"), said(shut)
    assert security(migrated) == closed
    assert {table: as_a_tenant(migrated, table) for table in TABLES} == seen
    assert manage(migrated, "prove_isolation").returncode == 0
    written = databases.rows(migrated.admin_url, "SELECT action, reason, who ~ '@' FROM vital.audit ORDER BY id")
    assert [action for action, *_ in written] == ["start", "disarm", "disarm", "rearm", "start"]
    assert written[1][1:] == (WHY[1], True)


def test_what_was_done_cannot_be_made_undone_in_the_audit(migrated: Scratch, manage: Manage) -> None:
    assert manage(migrated, "migrate_tenants", "disarm", *WHY, "--yes").returncode == 0

    for statement in ("DELETE FROM vital.audit", "UPDATE vital.audit SET who = 'nobody'"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
            databases.rows(migrated.owner_url, statement)


def test_killed_in_the_midst_it_never_passes_as_closed_and_is_repeated(migrated: Scratch, manage: Manage) -> None:
    """Held still where the record is written: nothing is open yet, and it says already that it may be."""
    moment = ("vital.phase_run", "SELECT count(*) > 0 FROM vital.phase_run WHERE error ->> 'message' LIKE 'isolation%'")
    with ExitStack() as processes, paused_at(migrated, *moment) as stands:
        run = processes.enter_context(background.start(migrated, "migrate_tenants", "disarm", *WHY, "--yes"))
        run.until(stands)
        run.kill()
    assert as_a_tenant(migrated, "agents") not in (0, "42501"), "it was killed before it opened anything"

    opened = manage(migrated, "migrate_tenants", "disarm", *WHY, "--yes")

    assert opened.returncode == 0, said(opened)
    assert {as_a_tenant(migrated, table) for table in TABLES} == {"42501"}


@pytest.mark.slow
def test_an_undo_of_the_open_fence_is_exact(migrated: Scratch, legacy_template: Scratch, manage: Manage) -> None:
    assert manage(migrated, "migrate_tenants", "disarm", *WHY, "--yes").returncode == 0

    undone = manage(migrated, "migrate_tenants", "undo", "--yes")

    assert undone.returncode == 0, said(undone)
    assert dump_platform(migrated) == dump_platform(legacy_template)


@pytest.mark.parametrize("verb", ["disarm", "rearm"])
def test_without_a_reason_or_a_fence_nothing_happens(
    prepared_template: Scratch, migrated_template: Scratch, manage: Manage, verb: str
) -> None:
    before = security(migrated_template)
    silent = manage(migrated_template, "migrate_tenants", verb, "--yes")
    never = manage(prepared_template, "migrate_tenants", verb, *WHY, "--yes")

    assert (silent.returncode, never.returncode) == (2, 2), said(silent) + said(never)
    assert "with its reason" in silent.stderr
    assert "was never turned on" in " ".join(never.stderr.split())
    assert security(migrated_template) == before


def test_without_a_terminal_opening_asks_for_yes(migrated_template: Scratch, manage: Manage) -> None:
    refused = manage(migrated_template, "migrate_tenants", "disarm", *WHY)

    assert refused.returncode == 2, said(refused)
    assert "Turning isolation off asks before it starts" in " ".join(refused.stderr.split())
    assert queries.scalar(migrated_template, "SELECT count(*) FROM vital.audit WHERE action = 'disarm'") == 0
