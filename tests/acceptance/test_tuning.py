"""The limits of a run are changed from another terminal while it works, and `status` says what it waits for."""

import pytest

from tests.support import background, earlier_version, queries
from tests.support.command_results import Manage, document, said
from tests.support.databases import Scratch, rows

WAITS = "SELECT progress ->> 'waits_for' FROM vital.run ORDER BY id DESC LIMIT 1"


@pytest.mark.slow
def test_a_run_waits_says_why_and_goes_on_when_it_is_tuned(prepared: Scratch, manage: Manage) -> None:
    tuned = manage(prepared, "migrate_tenants", "tune", "query=SELECT 'the nightly report runs'")
    assert tuned.returncode == 0, said(tuned)
    with background.start(prepared, "migrate_tenants", "--yes") as run:
        run.until(lambda: queries.scalar(prepared, "SELECT count(*) FROM vital.run WHERE kind = 'run'") > 1)
        run.until_said("waits")
        assert "the nightly report runs" in str(queries.scalar(prepared, WAITS))
        status = manage(prepared, "migrate_tenants", "status")
        assert "waits for your query says the nightly report runs" in " ".join(status.stdout.split())
        assert queries.scalar(prepared, "SELECT count(*) FROM vital.ledger WHERE phase = '003_platform_data'") == 0

        freed = manage(prepared, "migrate_tenants", "tune", "query=")

        assert freed.returncode == 0, said(freed)
        assert "your query says the nightly report runs" in run.ends_with(0)


@pytest.mark.slow
def test_a_waiting_run_can_be_paused(prepared: Scratch, manage: Manage) -> None:
    manage(prepared, "migrate_tenants", "tune", "query=SELECT true")
    with background.start(prepared, "migrate_tenants", "--yes") as run:
        run.until_said("waits")

        paused = manage(prepared, "migrate_tenants", "pause")

        assert paused.returncode == 0, said(paused)
        run.ends_with(3)
    manage(prepared, "migrate_tenants", "tune", "query=")
    assert manage(prepared, "migrate_tenants", "resume").returncode == 0


def test_all_limits_are_shown_with_their_meaning_and_set_all_or_none(prepared: Scratch, manage: Manage) -> None:
    for words, error in (
        (("wall_rate=1MB",), "There is no limit wall_rate"),
        (("wal_rate=1MB", "replication_lag=soon"), "replication_lag cannot be 'soon': write it like 10s"),
        (("wal_rate",), "tune takes NAME=VALUE"),
        (("wal_rate=1MB", "query=SELECT nothing"), "The query cannot be used"),
        (("query=DELETE FROM tools",), "read-only transaction"),
    ):
        refused = manage(prepared, "migrate_tenants", "tune", *words, "--json")
        assert refused.returncode == 2, said(refused)
        assert error in document(refused)["error"]
    assert rows(prepared.admin_url, "SELECT name FROM vital.tuning") == []

    done = manage(prepared, "migrate_tenants", "tune", "wal_rate=1MB", "vacuum=off", "--json")

    shown = {limit["name"]: limit["value"] for limit in document(done)["limits"]}
    assert (done.returncode, shown["wal_rate"], shown["vacuum"], shown["batch"]) == (0, "1MB", "off", "500ms")
    assert all(limit["means"] for limit in document(done)["limits"])


def test_limits_can_be_looked_at_before_anything_is_set_up(legacy: Scratch, manage: Manage) -> None:
    done = manage(legacy, "migrate_tenants", "tune", "--json")

    assert done.returncode == 0, said(done)
    assert rows(legacy.admin_url, "SELECT to_regnamespace('vital')::text") == [(None,)]


@pytest.mark.slow
def test_tables_of_an_earlier_vital_are_named_and_brought_up_to_date(prepared: Scratch, manage: Manage) -> None:
    earlier_version.migrate_back_to(prepared, "0003")

    status = manage(prepared, "migrate_tenants", "status", "--json")

    assert status.returncode == 2, said(status)
    assert "./manage.py migrate" in document(status)["error"]
    done = manage(prepared, "migrate_tenants", "--yes")
    assert done.returncode == 0, said(done)
