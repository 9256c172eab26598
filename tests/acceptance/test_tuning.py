"""What a run respects is tuned from another terminal while it works, and `status` says what it waits for."""

from tests.conftest import Manage
from tests.support import background, earlier, looking
from tests.support.databases import Scratch, rows
from tests.support.looking import document, said

WAITS = "SELECT progress ->> 'waits_for' FROM vital.run ORDER BY id DESC LIMIT 1"


def test_a_run_waits_says_why_and_goes_on_when_it_is_tuned(set_up: Scratch, manage: Manage) -> None:
    tuned = manage(set_up, "migrate_tenants", "tune", "query=SELECT 'the nightly report runs'")
    assert tuned.returncode == 0, said(tuned)
    with background.manage(set_up, "migrate_tenants", "--yes") as run:
        run.until(lambda: looking.one(set_up, "SELECT count(*) FROM vital.run WHERE kind = 'run'") > 1)
        run.until_said("waits")
        assert "the nightly report runs" in str(looking.one(set_up, WAITS))
        status = manage(set_up, "migrate_tenants", "status")
        assert "waits for your query says the nightly report runs" in " ".join(status.stdout.split())
        assert looking.one(set_up, "SELECT count(*) FROM vital.ledger WHERE phase = '003_platform_data'") == 0

        freed = manage(set_up, "migrate_tenants", "tune", "query=")

        assert freed.returncode == 0, said(freed)
        assert "your query says the nightly report runs" in run.ends_with(0)


def test_a_waiting_run_can_be_paused(set_up: Scratch, manage: Manage) -> None:
    manage(set_up, "migrate_tenants", "tune", "query=SELECT true")
    with background.manage(set_up, "migrate_tenants", "--yes") as run:
        run.until_said("waits")

        paused = manage(set_up, "migrate_tenants", "pause")

        assert paused.returncode == 0, said(paused)
        run.ends_with(3)
    manage(set_up, "migrate_tenants", "tune", "query=")
    assert manage(set_up, "migrate_tenants", "resume").returncode == 0


def test_all_limits_are_shown_with_their_meaning_and_set_all_or_none(set_up: Scratch, manage: Manage) -> None:
    for words, error in (
        (("wall_rate=1MB",), "There is no limit wall_rate"),
        (("wal_rate=1MB", "replication_lag=soon"), "replication_lag cannot be 'soon': write it like 10s"),
        (("wal_rate",), "tune takes NAME=VALUE"),
        (("wal_rate=1MB", "query=SELECT nothing"), "The query cannot be used"),
        (("query=DELETE FROM tools",), "read-only transaction"),
    ):
        refused = manage(set_up, "migrate_tenants", "tune", *words, "--json")
        assert refused.returncode == 2, said(refused)
        assert error in document(refused)["error"]
    assert rows(set_up.admin_url, "SELECT name FROM vital.tuning") == []

    done = manage(set_up, "migrate_tenants", "tune", "wal_rate=1MB", "vacuum=off", "--json")

    shown = {limit["name"]: limit["value"] for limit in document(done)["limits"]}
    assert (done.returncode, shown["wal_rate"], shown["vacuum"], shown["batch"]) == (0, "1MB", "off", "500ms")
    assert all(limit["means"] for limit in document(done)["limits"])


def test_limits_can_be_looked_at_before_anything_is_set_up(legacy: Scratch, manage: Manage) -> None:
    done = manage(legacy, "migrate_tenants", "tune", "--json")

    assert done.returncode == 0, said(done)
    assert rows(legacy.admin_url, "SELECT to_regnamespace('vital')::text") == [(None,)]


def test_tables_of_an_earlier_vital_are_named_and_brought_up_to_date(set_up: Scratch, manage: Manage) -> None:
    earlier.as_of(set_up, "0003")

    status = manage(set_up, "migrate_tenants", "status", "--json")

    assert status.returncode == 2, said(status)
    assert "./manage.py migrate" in document(status)["error"]
    done = manage(set_up, "migrate_tenants", "--yes")
    assert done.returncode == 0, said(done)
