"""A newer VITAL meets a migration that an older one has begun: it says so, is upgraded, and goes on exactly."""

from pathlib import Path

import pytest

from tests.support import earlier_version, oracle, queries
from tests.support.command_results import Manage, document, said
from tests.support.database_state import decided_twice
from tests.support.databases import Scratch, rows

BEFORE = "0007"


@pytest.mark.slow
@pytest.mark.parametrize("stands_at", ["002", "004"])
def test_between_any_two_phases_it_goes_on_after_the_upgrade(
    prepared: Scratch, manage: Manage, pack: Path, stands_at: str
) -> None:
    if stands_at != "002":
        begun = manage(prepared, "migrate_tenants", "--to", stands_at, "--yes")
        assert begun.returncode == 0, said(begun)
    earlier_version.migrate_back_to(prepared, BEFORE)

    told = manage(prepared, "migrate_tenants", "status", "--json")
    assert told.returncode == 2, said(told)
    assert "VITAL's own tables in this database are of an earlier VITAL" in document(told)["error"]
    assert "./manage.py migrate" in document(told)["error"]
    done = manage(prepared, "migrate_tenants", "--yes")

    assert done.returncode == 0, said(done)
    assert queries.tenants_of_every_table(prepared) == oracle.expected(pack).tenants
    assert decided_twice(prepared) == []
    assert rows(prepared.owner_url, "SELECT to_regclass('vital.ledger_by_row') IS NOT NULL") == [(True,)]


@pytest.mark.slow
def test_a_finished_one_is_brought_up_to_date_and_undone_by_the_newer(migrated: Scratch, manage: Manage) -> None:
    earlier_version.migrate_back_to(migrated, BEFORE)

    upgraded = manage(migrated, "migrate", "--verbosity", "0")
    back = manage(migrated, "migrate_tenants", "undo", "--yes")

    assert upgraded.returncode == 0, said(upgraded)
    assert back.returncode == 0, said(back)
    column = "SELECT count(*) FROM pg_attribute WHERE attrelid = 'public.tools'::regclass AND attname = 'tenant_id'"
    assert rows(migrated.owner_url, column) == [(0,)]


@pytest.mark.slow
def test_the_data_work_of_a_finished_one_reaches_tables_that_are_new(migrated: Scratch, manage: Manage) -> None:
    """It is done as vital_operator, which 006 has granted the tables of then."""
    earlier_version.migrate_back_to(migrated, "0009")
    assert manage(migrated, "migrate", "--verbosity", "0").returncode == 0

    for words in (("findings", "--keys"), ("status",), ("--yes",), ("--only", "004", "--yes")):
        done = manage(migrated, "migrate_tenants", *words)
        assert done.returncode == 0, said(done)
    granted = "SELECT has_table_privilege('vital_operator', 'vital.failing_row', 'INSERT')"
    assert rows(migrated.admin_url, granted) == [(True,)]


def test_findings_keep_their_identity_when_a_check_is_renamed(migrated: Scratch, manage: Manage) -> None:
    names = "SELECT DISTINCT check_name FROM vital.finding ORDER BY 1"
    before = rows(migrated.admin_url, names)
    earlier_version.migrate_back_to(migrated, "0011")
    assert ("rows of users that no rule knows",) in rows(migrated.admin_url, names)

    assert manage(migrated, "migrate", "--verbosity", "0").returncode == 0

    assert rows(migrated.admin_url, names) == before
    validated = manage(migrated, "migrate_tenants", "validate")
    assert validated.returncode == 0, said(validated)
    assert rows(migrated.admin_url, names) == before


GUARDS = "SELECT count(*) FROM pg_proc WHERE pronamespace = 'vital'::regnamespace AND proname ~ '^guard_refer'"
OLD_GUARD = "SELECT to_regprocedure('vital.guard_reference()') IS NOT NULL"


@pytest.mark.slow
def test_the_guards_of_a_finished_one_are_brought_over_by_the_next_run(migrated: Scratch, manage: Manage) -> None:
    made = rows(migrated.admin_url, GUARDS)
    earlier_version.guard_as_before(migrated)
    assert rows(migrated.admin_url, OLD_GUARD) == [(True,)]

    told = manage(migrated, "migrate_tenants", "validate")
    assert told.returncode == 1, said(told)
    assert "vital_references" in said(told)
    done = manage(migrated, "migrate_tenants", "--yes")
    assert done.returncode == 0, said(done)

    assert rows(migrated.admin_url, OLD_GUARD) == [(False,)]
    assert rows(migrated.admin_url, GUARDS) == made
    assert manage(migrated, "migrate_tenants", "validate").returncode == 0


@pytest.mark.slow
def test_an_undo_takes_earlier_guards_away(migrated: Scratch, manage: Manage) -> None:
    earlier_version.guard_as_before(migrated)

    back = manage(migrated, "migrate_tenants", "undo", "--yes")

    assert back.returncode == 0, said(back)
    assert rows(migrated.admin_url, GUARDS) == [(0,)]


VERBS = (("resume",), ("pause",), ("cancel",), ("tune", "batch=200ms"), ("ledger",))


@pytest.mark.slow
@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb[0])
def test_no_verb_fails_on_tables_of_an_earlier_vital(prepared: Scratch, manage: Manage, verb: tuple[str, ...]) -> None:
    """Those that write bring them up to date first, those that read say so: none fails for a column of now."""
    earlier_version.migrate_back_to(prepared, "0003")

    done = manage(prepared, "migrate_tenants", *verb)

    assert "SQLSTATE" not in said(done), said(done)
    assert "does not exist" not in said(done), said(done)
